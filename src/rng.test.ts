import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillGaussian, nextGaussian, nextInt, seededRng, shuffle } from './rng.ts';

const moments = (values: Float32Array | number[]) => {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(squares / values.length - mean * mean) };
};

test('the same seed gives the same numbers, another seed gives others', () => {
  const draws = (seed: number) => {
    const rng = seededRng(seed);
    return Array.from({ length: 8 }, () => rng.next());
  };
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (one, other) => {
      assert.deepEqual(draws(one), draws(one));
      if (one !== other) assert.notDeepEqual(draws(one), draws(other));
    }),
  );
  assert.deepEqual(
    draws(1).map((value) => Math.floor(value * 1000)),
    [91, 506, 888, 487, 434, 507, 746, 665],
    'the sequence is part of the contract: a seed in a transcript must mean the same next year',
  );
});

test('numbers lie in [0, 1) with the mean and deviation of a uniform', () => {
  const rng = seededRng(7);
  const values = Array.from({ length: 100_000 }, () => rng.next());
  assert.ok(values.every((value) => value >= 0 && value < 1));
  const { mean, deviation } = moments(values);
  assert.ok(Math.abs(mean - 0.5) < 0.005, `mean ${mean}`);
  assert.ok(Math.abs(deviation - Math.sqrt(1 / 12)) < 0.005, `deviation ${deviation}`);
});

test('gaussian draws, single and in bulk, have the asked mean and deviation', () => {
  const rng = seededRng(7);
  const single = moments(Array.from({ length: 100_000 }, () => nextGaussian(rng)));
  const values = new Float32Array(100_001);
  fillGaussian(rng, values, 3, 2);
  const bulk = moments(values);
  for (const [got, wanted] of [
    [single.mean, 0],
    [single.deviation, 1],
    [bulk.mean, 3],
    [bulk.deviation, 2],
  ] as const) {
    assert.ok(Math.abs(got - wanted) < 0.03, `expected ${wanted}, got ${got}`);
  }
});

test('a shuffle keeps every item, an integer stays below its bound', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.integer()), fc.integer({ min: 1, max: 1000 }), (seed, items, below) => {
      const rng = seededRng(seed);
      const shuffled = shuffle(rng, [...items]);
      assert.deepEqual(Float64Array.from(shuffled).sort(), Float64Array.from(items).sort());
      const drawn = nextInt(rng, below);
      assert.ok(Number.isInteger(drawn) && drawn >= 0 && drawn < below);
    }),
  );
});
