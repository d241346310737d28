import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';
import { didYouMean, editDistance, nearest } from './nearest.ts';

test('a slip of the keyboard finds its word, anything else finds nothing', () => {
  const keys = ['replicas', 'resources', 'queue', 'deadline'];
  assert.deepEqual(nearest('replica', keys), ['replicas']);
  assert.deepEqual(nearest('relpicas', keys), ['replicas']);
  assert.deepEqual(nearest('QUEUE', keys), ['queue']);
  assert.deepEqual(nearest('colour', keys), []);
  assert.equal(didYouMean('zzz', keys), '');
});

test('law: the distance is symmetric, zero only for the same word, and at most the longer length', () => {
  const word = fc.stringMatching(/^[a-z]{0,12}$/);
  fc.assert(
    fc.property(word, word, (left, right) => {
      const distance = editDistance(left, right);
      assert.equal(distance, editDistance(right, left));
      assert.equal(distance === 0, left === right);
      assert.ok(distance <= Math.max(left.length, right.length));
    }),
  );
});

test('law: the order of keys does not change the canonical text, and the text says everything', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      assert.equal(canonicalJson(reversed(value)), text);
      assert.deepEqual(canonicalJson(JSON.parse(text)), text);
    }),
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
