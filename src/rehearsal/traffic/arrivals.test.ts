import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arrivalsOf } from './arrivals.ts';
import { shapedTraffic, shapes } from './shapes.ts';
import { durationMs, meanRate, nominalStartMs, perSecond, scaledTo, type Traffic } from './traffic.ts';

function all(traffic: Traffic, seed: number, block: number): number[] {
  const source = arrivalsOf(traffic, seed);
  const into = new Float64Array(block);
  const times: number[] = [];
  for (let count = source.take(into); count > 0; count = source.take(into)) times.push(...into.subarray(0, count));
  assert.equal(source.take(into), 0);
  return times;
}

function slotted(loads: readonly number[], slotMs: number): Traffic {
  const counts = Float64Array.from(loads);
  return { name: 'test', slotMs, counts, loads: counts, startWallMs: nominalStartMs };
}

test('arrivals ascend within the time, none in an empty slot, the same whatever the block', () => {
  const loads = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 40, noNaN: true })), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(loads, fc.constantFrom(1, 7, 4096), fc.nat(100), (loads, block, seed) => {
      const traffic = slotted(loads, 1000);
      const times = all(traffic, seed, block);
      for (const [index, time] of times.entries()) {
        assert.ok(time >= (times[index - 1] ?? 0) && time < durationMs(traffic));
        assert.ok((loads[Math.floor(time / 1000)] ?? 0) > 0);
      }
      assert.deepEqual(times, all(traffic, seed, 13));
    }),
  );
});

test('within a slot they are Poisson: as many on average as the slot says, with a variance as large', () => {
  const traffic = slotted(
    Array.from({ length: 4000 }, () => 25),
    1000,
  );
  const counts = new Float64Array(4000);
  for (const time of all(traffic, 3, 4096))
    counts[Math.floor(time / 1000)] = (counts[Math.floor(time / 1000)] ?? 0) + 1;
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  // Three standard errors: 25/√4000 of the mean's root, and √(2/4000) of the variance.
  assert.ok(Math.abs(mean - 25) < 0.24, `${mean}`);
  assert.ok(Math.abs(variance / 25 - 1) < 0.07, `${variance}`);
});

test('recorded times come as they are', () => {
  const traffic = { ...slotted([3], 1000), times: Float64Array.of(0, 5, 5, 900) };
  assert.deepEqual(all(traffic, 1, 3), [0, 5, 5, 900]);
  assert.deepEqual([...perSecond(traffic)], [4]);
});

test('each shape has load, and the one that it is named after', () => {
  for (const name of Object.keys(shapes)) assert.ok(meanRate(scaledTo(shapedTraffic(name), 150)) > 149.9, name);
  const { loads } = shapedTraffic('flash', 100);
  assert.deepEqual([loads[39], loads[40], loads[59], loads[60]], [1, 10, 10, 1]);
  const silence = shapedTraffic('silence', 100).loads;
  assert.deepEqual([silence[0], silence[49], silence[50], silence[99]], [0, 0, 1, 1]);
  const square = shapedTraffic('square').loads;
  assert.deepEqual([square[299], square[300], square[600]], [1, 4, 1]);
  assert.throws(() => shapedTraffic('zigzag'), /there is no shape zigzag, expected one of constant, flash/);
});
