import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isReserved, toConsolePath } from './path.ts';

const name = (url: string): string | undefined => {
  const path = toConsolePath(url);
  return path.kind === 'name' ? path.name : undefined;
};

test("a page's own paths are names, without their query", () => {
  assert.equal(name('/'), '');
  assert.equal(name('/?a=b'), '');
  assert.equal(name('/d/digits'), 'd/digits');
  assert.equal(name('/why/digits?at=5'), 'why/digits');
  assert.equal(name('/assets/main-Ab12Cd34.js'), 'assets/main-Ab12Cd34.js');
  assert.equal(name('/d/a%20b/'), 'd/a b/');
});

test('whatever climbs, hides, is encoded twice or is no text is a trick', () => {
  const tricks = [
    '/..',
    '/../etc/passwd',
    '/%2e%2e/etc/passwd',
    '/%2E%2e%2fetc/passwd',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%252e%252e/package.json',
    '/assets\\..\\package.json',
    '/assets/%5c..%5cpackage.json',
    '/index.html%00.js',
    '/%00',
    '/%20..',
    '/a/%20../b',
    '/..%20',
    '/%',
    '/%ff',
    '//etc/passwd',
    '/a//b',
    '/.git/config',
    '/./index.html',
    'http://elsewhere.example/index.html',
    '*',
    '/a%0d%0ab',
    `/${'a'.repeat(2000)}`,
  ];
  for (const trick of tricks) assert.equal(toConsolePath(trick).kind, 'trick', trick);
});

test('a name never leads out of a folder, whatever it was made of', () => {
  const pieces = fc.constantFrom(
    '.',
    '..',
    '%2e',
    '%2f',
    '/',
    '\\',
    '%5c',
    '%25',
    '%00',
    'a',
    'assets',
    ' ',
    'é',
    '%C3%A9',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const path = toConsolePath(`/${parts.join('')}`);
      if (path.kind === 'trick') return;
      const folder = '/srv/console';
      assert.ok(new URL(path.name, `file://${folder}/`).pathname.startsWith(`${folder}/`), path.name);
      assert.ok(!/(?:^|\/)\.|[\\%]/.test(path.name) && !path.name.includes('\0'), path.name);
    }),
  );
});

test("the API's paths and the probes are nobody else's", () => {
  for (const url of ['/api', '/api/v1/nothing', '//api/v1', '/livez', '/readyz?x', '/API/v1'])
    assert.ok(isReserved(url), url);
  for (const url of ['/', '/apiary', '/d/api', '/livezz']) assert.ok(!isReserved(url), url);
});
