import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { absent, aged, agreed, doubtOf, fresh } from './signals.ts';

const limits = { staleMs: 5000, absentMs: 60_000 };

test('a reading grows stale and then absent, and an absent one is never a zero', () => {
  assert.deepEqual(aged(7, 0, 4000, limits), { kind: 'fresh', value: 7, ageMs: 4000 });
  assert.deepEqual(aged(7, 0, 6000, limits), { kind: 'stale', value: 7, ageMs: 6000 });
  assert.ok(Number.isNaN(aged(7, 0, 61_000, limits).value));
  fc.assert(
    fc.property(fc.double(), fc.integer({ min: 0, max: 200_000 }), (value, ageMs) => {
      const signal = aged(value, 0, ageMs, limits);
      assert.equal(signal.kind === 'absent', !Number.isFinite(value) || ageMs > limits.absentMs);
      assert.ok(signal.kind !== 'absent' || Number.isNaN(signal.value));
    }),
  );
});

test('a reading from the future is as of now', () => {
  assert.equal(aged(7, 10_000, 4000, limits).ageMs, 0);
});

test('of two sources that disagree, the one that asks for more is taken and the doubt is said', () => {
  const both = agreed(fresh(0), fresh(8), 0.5, 1);
  assert.deepEqual([both.kind, both.value], ['contradictory', 8]);
  assert.equal(doubtOf('the load', both), 'the sources of the load disagree');
  assert.equal(agreed(fresh(8), fresh(9), 0.5, 1).kind, 'fresh');
});

test('where one source is silent the other stands alone', () => {
  assert.equal(agreed(absent, fresh(3), 0.5, 1).value, 3);
  assert.equal(agreed(fresh(3), absent, 0.5, 1).value, 3);
  assert.equal(agreed(absent, absent, 0.5, 1).kind, 'absent');
});
