import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { draw, drawTable, meanOf, quantileOf, type Distribution } from './distribution.ts';

const distributions: fc.Arbitrary<Distribution> = fc.oneof(
  fc.record({ kind: fc.constant('exponential' as const), mean: fc.double({ min: 0.1, max: 1000, noNaN: true }) }),
  fc.record({
    kind: fc.constant('lognormal' as const),
    mean: fc.double({ min: 0.1, max: 1000, noNaN: true }),
    cv: fc.double({ min: 0.01, max: 3, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('quantiles' as const),
    values: fc
      .array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 1, maxLength: 20 })
      .map((values) => values.sort((one, other) => one - other)),
  }),
);

test('draws have the mean of their distribution, and ascend with chance', () => {
  fc.assert(
    fc.property(distributions, (distribution) => {
      const table = drawTable(distribution);
      assert.ok(table !== undefined);
      const mean = table.reduce((sum, value) => sum + value, 0) / table.length;
      assert.ok(Math.abs(mean / meanOf(distribution) - 1) < 1e-9);
      assert.ok(table.every((value, index) => index === 0 || value >= (table[index - 1] as number)));
      assert.equal(draw(table, 0), table[0]);
      assert.equal(draw(table, 1 - 2 ** -32), table.at(-1));
    }),
    { numRuns: 50 },
  );
});

test('quantiles are the published ones', () => {
  const near = (distribution: Distribution, p: number, expected: number): void => {
    const told = quantileOf(distribution, p);
    assert.ok(Math.abs(told / expected - 1) < 2e-3, `${told} for ${expected}`);
  };
  near({ kind: 'exponential', mean: 100 }, 0.5, 100 * Math.LN2);
  near({ kind: 'exponential', mean: 100 }, 0.99, 100 * Math.log(100));
  // Median e^µ and the 97.5th percentile e^(µ + 1.96σ) with σ² = ln(1 + cv²), µ = ln mean − σ²/2.
  near({ kind: 'lognormal', mean: 1, cv: 1 }, 0.5, Math.SQRT1_2);
  near({ kind: 'lognormal', mean: 1, cv: 1 }, 0.975, Math.exp(1.959964 * Math.sqrt(Math.LN2) - Math.LN2 / 2));
  near({ kind: 'quantiles', values: [1, 2, 3] }, 0.5, 2);
  assert.equal(quantileOf({ kind: 'fixed', mean: 7 }, 0.9), 7);
  assert.equal(drawTable({ kind: 'fixed', mean: 7 }), undefined);
});
