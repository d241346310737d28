import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arrivals, seededRandom } from './arrivals.ts';
import { parseTrace, rateAt, type Shape } from './shapes.ts';

const rate = fc.double({ min: 0, max: 5000, noNaN: true });
const durationMs = fc.integer({ min: 1, max: 3000 });
const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc.record({ kind: fc.constant('constant' as const), rate }),
  fc.record({
    kind: fc.constantFrom('ramp' as const, 'step' as const, 'flash' as const),
    rate,
    peak: rate,
    durationMs,
  }),
  fc.record({ kind: fc.constant('sine' as const), rate, peak: rate, periodMs: durationMs }),
  fc.record({
    kind: fc.constant('trace' as const),
    points: fc
      .array(fc.record({ atMs: fc.integer({ min: 0, max: 3000 }), rate }), { minLength: 1, maxLength: 20 })
      .map((points) => points.sort((a, b) => a.atMs - b.atMs)),
  }),
);

test('a rate is finite and never negative at any time', () => {
  fc.assert(
    fc.property(shape, fc.double({ min: -1000, max: 10_000, noNaN: true }), (each, ms) => {
      const seen = rateAt(each, ms);
      assert.ok(Number.isFinite(seen) && seen >= 0, `${seen}`);
    }),
  );
});

test('each shape passes through the rates that it is named for', () => {
  const durationMs = 1000;
  assert.equal(rateAt({ kind: 'ramp', rate: 10, peak: 30, durationMs }, 500), 20);
  assert.equal(rateAt({ kind: 'step', rate: 10, peak: 30, durationMs }, 499), 10);
  assert.equal(rateAt({ kind: 'step', rate: 10, peak: 30, durationMs }, 500), 30);
  assert.deepEqual(
    [399, 400, 599, 600].map((ms) => rateAt({ kind: 'flash', rate: 1, peak: 9, durationMs }, ms)),
    [1, 9, 9, 1],
  );
  assert.equal(rateAt({ kind: 'sine', rate: 10, peak: 30, periodMs: 1000 }, 500), 30);
});

test('constant arrivals are as many as the rate integrates to, evenly spaced', () => {
  const times = [...arrivals({ kind: 'constant', rate: 200 }, 1000, 'constant', () => 0)];
  assert.equal(times.length, 200);
  for (let index = 1; index < times.length; index++)
    assert.ok(Math.abs((times[index] ?? 0) - (times[index - 1] ?? 0) - 5) < 1e-6);
});

test('arrivals ascend and stay within the duration, and constant ones match the integral to within one', () => {
  fc.assert(
    fc.property(shape, durationMs, fc.constantFrom('poisson' as const, 'constant' as const), (each, duration, kind) => {
      const times = [...arrivals(each, duration, kind, seededRandom(1))];
      for (const [index, at] of times.entries()) {
        assert.ok(at >= 0 && at < duration, `${at} of ${duration}`);
        assert.ok(index === 0 || at >= (times[index - 1] ?? 0));
      }
      if (kind === 'poisson') return;
      let integral = 0;
      for (let ms = 0; ms < duration; ms++) integral += rateAt(each, ms + 0.5) / 1000;
      assert.ok(Math.abs(times.length - integral) <= 1, `${times.length} for ${integral}`);
    }),
    { numRuns: 50 },
  );
});

test('Poisson arrivals have the mean and the spread of a Poisson process', () => {
  const gaps: number[] = [];
  let last = 0;
  for (const at of arrivals({ kind: 'constant', rate: 1000 }, 20_000, 'poisson', seededRandom(7))) {
    gaps.push(at - last);
    last = at;
  }
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  assert.ok(Math.abs(mean - 1) < 0.03, `mean gap ${mean}`);
  assert.ok(Math.abs(Math.sqrt(variance) / mean - 1) < 0.05, `coefficient of variation ${Math.sqrt(variance) / mean}`);
});

test('the same seed gives the same arrivals, another seed others', () => {
  const make = (seed: number): number[] => [
    ...arrivals({ kind: 'constant', rate: 100 }, 1000, 'poisson', seededRandom(seed)),
  ];
  assert.deepEqual(make(3), make(3));
  assert.notDeepEqual(make(3), make(4));
});

test('a trace is read with heading and comments, and holds each rate until the next point', () => {
  const points = parseTrace('second,rate\n0,5\n2,10 # lunch\n\n4;0\n');
  const seen = [0, 1999, 2000, 3999, 4000, 99_000].map((ms) => rateAt({ kind: 'trace', points }, ms));
  assert.deepEqual(seen, [5, 5, 10, 10, 0, 0]);
});

test('a trace that cannot be read names the line', () => {
  assert.throws(() => parseTrace('0,5\n1,many\n'), /line 2.*got 1,many/);
  assert.throws(() => parseTrace('5,1\n1,1\n'), /line 2: seconds must ascend/);
  assert.throws(() => parseTrace('# nothing\n'), /at least one line/);
});
