/** The small rules around the shadows, each by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blindTarget } from './blind.ts';
import { capOf } from './cap.ts';
import { curveOf, heldBy, unitsOf } from './capacity-curve.ts';
import { kickOf } from './kick.ts';
import { append, loadHistory, meanOver, sumOver, type LoadHistory } from './load-history.ts';
import { noPeaks, signalNames, writeSignals } from './load-signals.ts';
import { requirementOf } from './requirement.ts';
import { surplusOf, turningPrice } from './settle.ts';

function historyOf(loads: readonly number[]): LoadHistory {
  const history = loadHistory();
  for (const load of loads) append(history, load);
  return history;
}

const loads = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 300 });

test('a mean of any window is the mean of those seconds', () => {
  fc.assert(
    fc.property(loads, fc.integer({ min: 1, max: 400 }), (all, window) => {
      const last = all.slice(-window);
      const mean = last.reduce((sum, load) => sum + load, 0) / last.length;
      assert.ok(Math.abs(meanOver(historyOf(all), window) - mean) < 1e-6);
    }),
  );
});

test('the ring goes on after an hour', () => {
  const history = historyOf(Array.from({ length: 10_000 }, (_, second) => second));
  assert.equal(sumOver(history, 3), 9999 + 9998 + 9997);
  assert.ok(Math.abs(meanOver(history, 3600) - (9999 - 1799.5)) < 1e-6);
});

test('as many units as the requirement ever was keep every wait within the objective', () => {
  fc.assert(
    fc.property(loads, (all) => {
      const patience = 0.4;
      const history = loadHistory();
      let most = 0;
      for (const load of all) {
        append(history, load);
        most = Math.max(most, requirementOf(history, patience));
      }
      // Spans between two that are looked at are off by what the shorter one leaves out.
      const units = 1.4 * most;
      let queue = 0;
      for (const load of all.slice(0, 60)) {
        queue = Math.max(0, queue + load - units);
        assert.ok(queue <= patience * units + 1e-9);
      }
    }),
  );
});

test('a load scaled up scales every measure of it up', () => {
  fc.assert(
    fc.property(loads, fc.double({ min: 1, max: 10, noNaN: true }), (all, factor) => {
      const [small, large] = [new Float64Array(signalNames.length), new Float64Array(signalNames.length)];
      const scaled = historyOf(all.map((load) => factor * load));
      writeSignals(small, historyOf(all), noPeaks(), 1, 30);
      writeSignals(large, scaled, noPeaks(), factor, 30);
      for (let index = 0; index < signalNames.length; index += 1)
        assert.ok((large[index] as number) >= (small[index] as number) * factor - 1e-6);
    }),
  );
});

test('the trend sees where a ramp will be a lag on', () => {
  const signals = new Float64Array(signalNames.length);
  writeSignals(signals, historyOf(Array.from({ length: 600 }, (_, second) => second)), noPeaks(), 0, 100);
  const [now, trend] = [signals[0] as number, signals[4] as number];
  assert.ok(trend > now + 50 && trend < now + 100, `${trend} after ${now}`);
});

test('the cap is half above the peak while young at a lag of minutes, and 15 % when it has seen a day', () => {
  assert.ok(Math.abs(capOf(100, 150, 0) - 172.4) < 0.5);
  assert.ok(Math.abs(capOf(100, 150, 86_400) - 117) < 1.1);
});

test('a queue that has used half of its patience kicks, one that has not does not', () => {
  const history = historyOf([10, 10, 10, 60]);
  const kick = (work: number, before: number, lag: number): number =>
    kickOf(history, { work, before, ready: 10 }, 11, 0.4, lag);
  assert.equal(kick(1.9, 0, 1), 0);
  assert.equal(kick(Number.NaN, 0, 1), 0);
  // It grows at a fast tier: the last second counts. At a slow one, or while it shrinks: one and a half times and two.
  assert.equal(kick(4, 2, 1), Math.ceil(1.05 * 60 + 4 + 1));
  assert.equal(kick(4, 5, 1), 19);
  assert.equal(kick(4, 2, 150), 19);
});

test('blind, it grows with the root of time, under the cap, and never lowers', () => {
  assert.equal(blindTarget(20, 0, 100), 20);
  assert.equal(blindTarget(20, 600, 100), Math.ceil(20 * (1 + 0.021 * Math.sqrt(600))));
  assert.equal(blindTarget(20, 600, 24.7), 24);
  assert.equal(blindTarget(20, 600, 5), 20);
});

test('a surplus of a tenth is held ten times as long as all of it would be', () => {
  assert.equal(surplusOf(10, 0, 1), 1);
  assert.ok(Math.abs(surplusOf(10, 9, 10) - 1) < 1e-9);
  assert.equal(surplusOf(10, 12, 10), 0);
  assert.ok(turningPrice(10) > turningPrice(0.5) && turningPrice(10) > turningPrice(150));
});

test('what counts between two measured ones hold is the straight line of a dumb walk over all of them', () => {
  const measured = fc.array(fc.option(fc.double({ min: 1, max: 1000, noNaN: true }), { nil: Number.NaN }), {
    minLength: 2,
    maxLength: 60,
  });
  fc.assert(
    fc.property(measured, fc.double({ min: 0.5, max: 70, noNaN: true }), (rates, asked) => {
      const capacity = [Number.NaN, ...rates];
      const counts = capacity.flatMap((rate, count) => (count > 0 && Number.isFinite(rate) ? [count] : []));
      const held = heldBy(capacity);
      const above = counts.find((count) => count >= asked);
      const below = counts.findLast((count) => count < asked);
      if (held === undefined || above === undefined || below === undefined) return;
      const [low, high] = [capacity[below] as number, capacity[above] as number];
      assert.equal(held(asked), low + ((high - low) * (asked - below)) / (above - below));
    }),
    { numRuns: 500 },
  );
});

test('a curve of thousands of measured counts reads each of them a few times, and not each for each', () => {
  let reads = 0;
  const rates = Array.from({ length: 4097 }, (_, count) => (count === 0 ? Number.NaN : 10 * count));
  const counting = new Proxy(rates, {
    get(of, key) {
      reads += 1;
      return Reflect.get(of, key) as unknown;
    },
  });
  assert.equal(curveOf(counting, 1, 0.1, { min: 0, max: 4096 }).best, 4096);
  assert.ok(reads < 20 * rates.length, String(reads));
});

test('no wish buys a count that holds less than a smaller one', () => {
  const measured = fc.array(fc.oneof(fc.double({ min: 1, max: 500, noNaN: true }), fc.constant(Number.NaN)), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(measured, fc.integer({ min: 0, max: 200 }), (rates, wish) => {
      const capacity = [Number.NaN, ...rates];
      const units = unitsOf(curveOf(capacity, 1, 0.1, { min: 0, max: 30 }), wish);
      const held = capacity[units];
      if (held === undefined || Number.isNaN(held)) return;
      for (let fewer = 1; fewer < units; fewer += 1) assert.ok(!((capacity[fewer] as number) > held));
    }),
  );
});

test('a wish for more than any count holds gets the count that holds the most, and no other', () => {
  const little = [Number.NaN, 5, 12, 4, 6, 15];
  const curve = curveOf(little, 1, 0.1, { min: 0, max: 5 });
  assert.deepEqual(
    [1, 2, 3, 4, 100].map((wish) => unitsOf(curve, wish)),
    [2, 5, 5, 5, 5],
  );
});

test('replicas that hold less than their service time says are bought in their real number', () => {
  // 10 requests a second by service time, 8 measured.
  const curve = curveOf([Number.NaN, 8, 16, 24, 32], 1, 0.1, { min: 0, max: 100 });
  assert.equal(unitsOf(curve, 4), 5);
  assert.equal(unitsOf(curve, 8), 10);
  assert.equal(unitsOf(curveOf([], 1, 0.1, { min: 0, max: 100 }), 8), 8);
});

test('where three replicas hold less than two, two are the most', () => {
  const curve = curveOf([Number.NaN, 900, 1000, 800, 600], 1, 0.01, { min: 0, max: 12 });
  assert.equal(curve.best, 2);
  for (let wish = 0; wish < 50; wish += 1) assert.ok(unitsOf(curve, wish) <= 2);
});
