import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Latencies, quantileError } from './latencies.ts';

test('a quantile is the exact one or at most 1/128 above it', () => {
  const times = fc.array(fc.double({ min: 0.001, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (times, q) => {
      const latencies = new Latencies();
      for (const time of times) latencies.record(time);
      const sorted = [...times].sort((one, other) => one - other);
      const exact = sorted[Math.max(1, Math.ceil(q * times.length)) - 1] as number;
      const told = latencies.quantile(q);
      assert.ok(told >= exact && told <= exact * (1 + quantileError) + 1e-9, `${told} for ${exact}`);
    }),
  );
});

test('nothing recorded is no number', () => {
  assert.ok(Number.isNaN(new Latencies().quantile(0.5)));
});
