import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../errors.ts';
import { etagOf, isAmong, preconditionOf } from './etags.ts';

const one = { a: 1, b: { c: [1, 2], d: undefined } };

test('the same content has the same tag, whatever the order of its keys, and other content another', () => {
  assert.equal(etagOf(one), etagOf({ b: { c: [1, 2] }, a: 1 }));
  assert.match(etagOf(one), /^"[\w-]{22}"$/);
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
      const same = JSON.stringify(left) === JSON.stringify(right);
      if (same) assert.equal(etagOf(left), etagOf(right));
      assert.equal(etagOf(left), etagOf(JSON.parse(JSON.stringify(left))));
    }),
  );
  assert.notEqual(etagOf(one), etagOf({ ...one, a: 2 }));
});

test('tags are compared as RFC 9110 says: strong for If-Match, weak for If-None-Match, a star for all', () => {
  assert.ok(isAmong('"a", "b"', '"b"', false));
  assert.ok(!isAmong('W/"b"', '"b"', false));
  assert.ok(isAmong('W/"b"', '"b"', true));
  assert.ok(isAmong(' * ', '"b"', false));
  assert.ok(!isAmong('"a"', '"b"', true));
  assert.ok(!isAmong('b', '"b"', true));
});

test('what was read is changed only as it was read', async () => {
  const there = (): Promise<unknown> => Promise.resolve(one);
  const gone = (): Promise<unknown> => Promise.reject(new FlyballError('DEPLOYMENT_NOT_FOUND', 'none'));
  const broken = (): Promise<unknown> => Promise.reject(new Error('disk'));
  const ask = (headers: Record<string, string>, current = there) => preconditionOf(headers, current)?.();
  const refused = { code: 'PRECONDITION_FAILED' };
  assert.equal(preconditionOf({}, there), undefined);
  await ask({ 'if-match': etagOf(one) });
  await ask({ 'if-match': '*' });
  await ask({ 'if-none-match': '*' }, gone);
  await ask({ 'if-none-match': '"other"' });
  await assert.rejects(ask({ 'if-match': '"other"' }) as Promise<void>, refused);
  await assert.rejects(ask({ 'if-match': '*' }, gone) as Promise<void>, refused);
  await assert.rejects(ask({ 'if-none-match': '*' }) as Promise<void>, refused);
  await assert.rejects(ask({ 'if-match': etagOf(one) }, broken) as Promise<void>, /disk/);
});
