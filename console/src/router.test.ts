import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { address, match, parse } from './router.ts';
import { ownPath } from './views/own-path.ts';

test('a pattern takes its parameters from the path, decoded', () => {
  assert.deepEqual(match('/', '/'), {});
  assert.deepEqual(match('/d/:name?', '/d/a%2Fb'), { name: 'a/b' });
  assert.deepEqual(match('/d/:name?', '/d'), {});
  assert.deepEqual(match('/why/:name', '/why/digits/'), { name: 'digits' });
  assert.equal(match('/why/:name', '/why'), undefined);
  assert.equal(match('/d/:name?', '/d/a/b'), undefined);
  assert.equal(match('/d/:name?', '/d/%E0%A4%A'), undefined);
});

test('an address reads back as what it was made of', () => {
  const texts = fc.string({ minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('range', 'filter', 'at'), texts), texts, (query, name) => {
      const { path, query: read } = parse(address(`/d/${encodeURIComponent(name)}`, query));
      assert.deepEqual({ ...read }, { ...query });
      // A path of dots is another path, for every browser.
      if (!/^\.{1,2}$/.test(name)) assert.equal(match('/d/:name?', path)?.['name'], name);
    }),
  );
  assert.equal(address('/', { filter: '', order: undefined }), '/');
});

test('after a sign-in nobody is led away', () => {
  for (const bad of [undefined, 'https://elsewhere', '//elsewhere', '/\\elsewhere', 'd/digits', '/sign-in?to=/'])
    assert.equal(ownPath(bad), '/');
  assert.equal(ownPath('/d/digits?range=1h'), '/d/digits?range=1h');
});
