import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHistogram, quantileError } from './histogram.ts';

const latencies = fc.array(
  fc.oneof(fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 0, max: 600_000, noNaN: true })),
  { minLength: 1, maxLength: 300 },
);

test('a quantile is never below the exact one and above it by the stated error at most', () => {
  fc.assert(
    fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const histogram = createHistogram();
      for (const value of values) histogram.record(value);
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? 0;
      const estimate = histogram.quantileMs(q);
      assert.ok(estimate >= exact * (1 - 1e-12), `${estimate} is below ${exact}`);
      assert.ok(estimate <= exact * (1 + quantileError) + 0.002, `${estimate} is too far above ${exact}`);
    }),
  );
});

test('quantiles do not fall as q grows, and the last one is the exact maximum', () => {
  fc.assert(
    fc.property(latencies, (values) => {
      const histogram = createHistogram();
      for (const value of values) histogram.record(value);
      const quantiles = [0, 0.1, 0.5, 0.9, 0.99, 0.999, 1].map((q) => histogram.quantileMs(q));
      assert.deepEqual(
        quantiles,
        [...quantiles].sort((a, b) => a - b),
      );
      assert.equal(quantiles.at(-1), Math.max(...values));
      assert.equal(histogram.count, values.length);
    }),
  );
});

test('two histograms merged are the histogram of both', () => {
  fc.assert(
    fc.property(latencies, latencies, (left, right) => {
      const [a, b, both] = [createHistogram(), createHistogram(), createHistogram()];
      for (const value of left) a.record(value);
      for (const value of right) b.record(value);
      for (const value of [...left, ...right]) both.record(value);
      a.merge(b);
      assert.deepEqual(a.counts, both.counts);
      assert.equal(a.maxMs, both.maxMs);
      assert.equal(a.count, both.count);
    }),
  );
});

test('an empty histogram has no quantile rather than a zero', () => {
  assert.ok(Number.isNaN(createHistogram().quantileMs(0.5)));
});

test('what lies beyond the range is counted in the last bucket and its maximum kept', () => {
  const histogram = createHistogram();
  histogram.record(1e12);
  histogram.record(Number.NaN);
  assert.equal(histogram.count, 2);
  assert.equal(histogram.maxMs, 1e12);
  assert.equal(histogram.quantileMs(0.25), 0);
});
