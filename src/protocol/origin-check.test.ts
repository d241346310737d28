import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { FlyballError } from '../errors.ts';
import { checkOrigin, checkPage } from './origin-check.ts';

const here = '127.0.0.1:8000';
const passes = (headers: IncomingHttpHeaders, method = 'POST', loopback = true, check = checkPage): boolean => {
  try {
    check({ method, headers: { host: here, ...headers } }, loopback);
    return true;
  } catch (error) {
    assert.ok(error instanceof FlyballError && error.code === 'FORBIDDEN', String(error));
    return false;
  }
};

test('a client, which says nothing of pages, is asked nothing, whatever it calls this machine', () => {
  assert.equal(passes({}), true);
  assert.equal(passes({ host: 'flyball.internal' }), true);
  // As the fetch of Node sends it.
  assert.equal(passes({ 'sec-fetch-mode': 'cors' }), true);
});

test('a page of another site, of another port or of no place at all is refused', () => {
  for (const origin of ['https://attacker.example', 'http://localhost:3000', 'null', 'nonsense'])
    assert.equal(passes({ origin }), false, origin);
  for (const site of ['cross-site', 'same-site', 'whatever comes next']) {
    assert.equal(passes({ 'sec-fetch-site': site }), false, site);
    assert.equal(passes({ 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }, 'GET'), false, site);
    assert.equal(passes({ origin: `http://${here}`, 'sec-fetch-site': site }), false, site);
  }
});

test('a page of ours passes, behind a proxy that changes Host too', () => {
  assert.equal(passes({ origin: `http://${here}` }), true);
  assert.equal(passes({ origin: `http://${here}`, 'sec-fetch-site': 'same-origin' }), true);
  assert.equal(passes({ origin: 'https://models.hospital.example', 'sec-fetch-site': 'same-origin' }), true);
  assert.equal(passes({ host: 'models.example', origin: 'https://models.example' }, 'POST', false), true);
});

test('a name of the web that was rebound to this machine is refused on loopback', () => {
  const rebound = { host: 'attacker.example:8000', origin: 'http://attacker.example:8000' };
  assert.equal(passes(rebound), false);
  assert.equal(passes(rebound, 'POST', false), true, 'elsewhere any name may be right');
});

test('a link that somebody follows is opened; a form that a page sends is not', () => {
  const followed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  assert.equal(passes(followed, 'GET'), true);
  assert.equal(passes({ ...followed, origin: 'https://attacker.example' }, 'POST'), false);
});

test('where people work with a browser, only names of this machine are served on loopback', () => {
  assert.equal(passes({ host: 'attacker.example' }, 'GET', true, checkOrigin), false);
  assert.equal(passes({ host: '[::1]:8080' }, 'GET', true, checkOrigin), true);
  assert.equal(passes({ host: 'attacker.example' }, 'GET', false, checkOrigin), true);
});
