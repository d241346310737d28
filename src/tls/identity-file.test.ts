import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority } from './authority.ts';
import { identityIn, parseIdentity } from './identity-file.ts';
import { identityOf } from './platform-authority.ts';

const at = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;
const authority = makeAuthority('a', at);
const stranger = makeAuthority('b', at);
const own = identityOf(authority, 'gateway', 'client', at, dayMs);
const parse = (text: string, when = at) => parseIdentity('--identity', text, when);
const refused = (text: string, message: RegExp, when = at): void =>
  assert.throws(() => parse(text, when), { code: 'TLS_UNUSABLE', message });

test('certificate, key and authority come from one text, in whatever order key and certificates stand', () => {
  assert.deepEqual(parse(own.certificate + own.key + own.authority), own);
  assert.deepEqual(parse(`${own.key}\nwords between\n${own.certificate}${own.authority}`), own);
  assert.equal(identityIn(own.certificate), 'gateway');
});

test('several authorities are all trusted, so that one can take over from another', () => {
  const both = parse(own.certificate + own.key + stranger.certificate + authority.certificate);
  assert.equal(both.authority, stranger.certificate + authority.certificate);
});

test('what is missing, is another’s, or is not in force is said', () => {
  refused('', /there is not a certificate, nor its private key, nor the authority's certificate/);
  refused(own.certificate + own.key, /there is not the authority's certificate$/);
  const other = identityOf(authority, 'gateway', 'client', at, dayMs);
  refused(own.certificate + other.key + own.authority, /the key is not that of the certificate/);
  refused(own.certificate + own.key + stranger.certificate, /was not issued by the authority beside it/);
  const text = own.certificate + own.key + own.authority;
  refused(text, /it has expired at 2026-01-02 00:00 UTC/, at + 2 * dayMs);
  refused(text, /it is not in force before/, at - dayMs);
  refused(text.replace(/BEGIN CERTIFICATE-----\n.{20}/, 'BEGIN CERTIFICATE-----\nAAAAAAAAAAAAAAAAAAAA'), /in PEM/);
});
