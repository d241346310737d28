import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { forecasters } from './list.ts';
import { authorityOf, forecastRecord, note, quantileForecast, skillOf, trusted } from './record.ts';
import type { Forecaster } from './forecaster.ts';

/** Even chance without the runtime's: a linear congruential generator (D. E. Knuth's constants of MMIX, 32 bits of it). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function named(name: string, stepSeconds: number): Forecaster {
  const found = forecasters(stepSeconds).find((one) => one.name === name);
  assert.ok(found !== undefined);
  return found;
}

/** Runs one over a series and gives its record at a horizon. */
function judge(forecaster: Forecaster, series: readonly number[], horizon: number) {
  const record = forecastRecord(horizon);
  let state = forecaster.start();
  for (const value of series) {
    state = forecaster.observe(state, value);
    note(record, value, forecaster.forecast(state, horizon));
  }
  return record;
}

const day = 96;
/** A quarter of an hour a step: a day of one hump, with noise. */
const days = (count: number, noise: number, seed = 1): number[] => {
  const random = chance(seed);
  return Array.from({ length: count * day }, (_, step) =>
    Math.max(0, 100 - 60 * Math.cos((2 * Math.PI * step) / day) + noise * (random() - 0.5)),
  );
};

test('whatever comes, every forecaster says a number of at least 0 or nothing, and the same from stored state', () => {
  const values = fc.array(fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constant(Number.NaN)), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 30 }), (series, steps) => {
      for (const forecaster of forecasters(900)) {
        let state = forecaster.start();
        let stored = forecaster.start();
        for (const value of series) {
          state = forecaster.observe(state, value);
          stored = forecaster.observe(structuredClone(stored), value);
          const said = forecaster.forecast(state, steps);
          assert.ok(Number.isNaN(said) || (said >= 0 && Number.isFinite(said)), `${forecaster.name}: ${said}`);
          assert.deepEqual(forecaster.forecast(stored, steps), said, forecaster.name);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('on a daily cycle the daily forecasters earn authority, and the last value has none to earn', () => {
  const series = days(12, 8);
  for (const name of ['as a day ago', 'spectral']) {
    const record = judge(named(name, 900), series, 8);
    assert.ok(authorityOf(record) > 0.5, `${name} has ${authorityOf(record)}`);
  }
  const persistence = judge(named('last value', 900), series, 8);
  assert.equal(skillOf(persistence), 0);
  assert.equal(authorityOf(persistence), 0);
});

test('the spectral forecaster finds no cycle in noise', () => {
  let found = 0;
  for (let seed = 1; seed <= 10; seed += 1) {
    const random = chance(seed);
    const forecaster = named('spectral', 900);
    let state = forecaster.start();
    for (let step = 0; step < 14 * day; step += 1) state = forecaster.observe(state, 100 + 50 * random());
    if (!Number.isNaN(forecaster.forecast(state, 1))) found += 1;
  }
  assert.ok(found <= 1, `${found} of 10`);
});

test('it fills gaps of the history and cuts single outliers', () => {
  const series = days(6, 4).map((value, step) => (step % 50 < 5 ? Number.NaN : step === 200 ? 1e6 : value));
  const forecaster = named('spectral', 900);
  let state = forecaster.start();
  for (const value of series) state = forecaster.observe(state, value);
  const clean = days(7, 0);
  for (const ahead of [1, 24, 48, 90]) {
    const expected = clean[series.length - 1 + ahead] as number;
    assert.ok(Math.abs(forecaster.forecast(state, ahead) - expected) < 12, `${ahead} steps ahead`);
  }
});

test('a ramp is where Holt and the autoregression are better than the last value', () => {
  const random = chance(3);
  const ramp = Array.from({ length: 400 }, (_, step) => 50 + step + 4 * (random() - 0.5));
  for (const name of ['damped Holt', 'autoregression']) {
    const record = judge(named(name, 60), ramp, 5);
    assert.ok(skillOf(record) > 0.2, `${name} has ${skillOf(record)}`);
  }
});

test('noise earns nobody any authority', () => {
  const random = chance(5);
  const noise = Array.from({ length: 2000 }, () => 100 * random());
  for (const forecaster of forecasters(60).filter(({ name }) => name.startsWith('as '))) {
    assert.ok(authorityOf(judge(forecaster, noise, 5)) < 0.1, forecaster.name);
  }
});

test('a change of the load takes authority away at once, and it has to be earned anew', () => {
  const random = chance(7);
  const record = forecastRecord(4);
  const pattern = days(8, 4);
  const yesterday = named('as a day ago', 900);
  let state = yesterday.start();
  let best = 0;
  const step = (value: number): void => {
    state = yesterday.observe(state, value);
    note(record, value, yesterday.forecast(state, 4));
    best = Math.max(best, authorityOf(record));
  };
  for (const value of pattern) step(value);
  assert.ok(best > 0.5);
  let lost = 0;
  for (let after = 1; after <= 40 && lost === 0; after += 1) {
    step(400 + 20 * random());
    if (authorityOf(record) === 0) lost = after;
  }
  assert.ok(lost > 0 && lost <= 12, `it was lost after ${lost} steps`);
  assert.equal(record.changes >= 1, true);
});

test('a quantile leaves about its share above itself', () => {
  const random = chance(11);
  const series = Array.from({ length: 1500 }, () => 100 + 40 * random());
  const record = forecastRecord(1);
  let above = 0;
  let counted = 0;
  for (const value of series) {
    if (record.scored > 200) {
      counted += 1;
      if (value > quantileForecast(record, 120, 0.9)) above += 1;
    }
    note(record, value, 120);
  }
  assert.ok(Math.abs(above / counted - 0.1) < 0.04, `${above} of ${counted}`);
});

test('with too few errors a quantile is without end, and without authority what is there now is trusted', () => {
  const record = forecastRecord(2);
  for (const value of [1, 2, 3, 4]) note(record, value, 5);
  assert.equal(quantileForecast(record, 5, 0.99), Number.POSITIVE_INFINITY);
  assert.equal(authorityOf(record), 0);
  assert.deepEqual([trusted(10, 30, 0), trusted(10, 30, 0.5), trusted(10, Number.NaN, 1)], [10, 20, 10]);
});
