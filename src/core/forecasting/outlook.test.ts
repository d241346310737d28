import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foresightOf, hear, recentSteps, startOutlook, trustIn, watchLoad, type Outlook } from './outlook.ts';
import { tellOutlook } from './outlook-view.ts';
import type { Forecaster } from './forecaster.ts';
import { seededRandom } from '../../load/arrivals.ts';

const lag = 60;

/** A minute at a time, so that a day is soon over: loads in requests a second. */
function pass(outlook: Outlook, hours: number, load: (second: number) => number, from = 0): number {
  const end = from + hours * 3600;
  for (let second = from; second < end; second += 10) watchLoad(outlook, 10 * load(second), 10_000, lag);
  return end;
}

const hourly = (random: () => number) => (second: number) => (second % 3600 < 900 ? 200 : 40) + 4 * (random() - 0.5);

test('what comes back every hour earns the forecaster authority that looks an hour back', () => {
  const outlook = startOutlook(lag);
  pass(outlook, 12, hourly(seededRandom(1)));
  const foresight = foresightOf(outlook);
  assert.ok(foresight !== undefined && foresight.authority > 0.4, JSON.stringify(foresight));
  assert.equal(foresight.by, 'as an hour ago');
  assert.equal(foresight.seconds, 60);
});

test('it says at the edge what comes after it', () => {
  const outlook = startOutlook(lag);
  // The next hour begins 30 s on, with five times the load.
  pass(outlook, 12 - 30 / 3600, hourly(seededRandom(1)));
  const foresight = foresightOf(outlook);
  assert.ok(foresight !== undefined && foresight.perSecond > 150, JSON.stringify(foresight));
});

test('noise around a level earns nobody any authority, whoever smooths it', () => {
  for (const seed of [1, 2, 3, 4]) {
    const random = seededRandom(seed);
    const outlook = startOutlook(lag);
    let [trusted, steps] = [0, 0];
    for (let second = 0; second < 86_400; second += 10) {
      watchLoad(outlook, 10 * (100 + 60 * (random() - 0.5)), 10_000, lag);
      steps += 1;
      if (foresightOf(outlook) !== undefined) trusted += 1;
    }
    assert.ok(trusted <= 0.01 * steps, `seed ${seed}: ${trusted} of ${steps}`);
  }
});

test('a load that becomes another takes all authority away within two minutes, and why says so', () => {
  const outlook = startOutlook(lag);
  const random = seededRandom(1);
  let second = pass(outlook, 12 + 0.3, hourly(random));
  assert.ok(foresightOf(outlook) !== undefined);
  second = pass(outlook, 1 / 30, () => 400 + 20 * random(), second);
  const yesterday = tellOutlook(outlook).horizons[0]?.forecasters.find(({ name }) => name === 'as an hour ago');
  assert.equal(yesterday?.authority, 0);
  assert.ok(yesterday.lost >= 1);
  assert.match(yesterday.why, /^\d+ of 30 independent comparisons since its errors changed$/);
});

test('however the same load is cut into looks, the steps are the same, and what was not seen is a gap', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }), (cuts) => {
      const outlook = startOutlook(lag);
      let seconds = 0;
      for (const cut of cuts) {
        watchLoad(outlook, 7 * cut, cut * 1000, lag);
        seconds += cut;
      }
      const steps = recentSteps(outlook);
      assert.equal(steps.length, Math.floor(seconds / 10));
      for (const step of steps) assert.ok(Math.abs(step - 7) < 1e-9);
    }),
    { numRuns: 50 },
  );
  const outlook = startOutlook(lag);
  watchLoad(outlook, 100, 10_000, lag);
  watchLoad(outlook, Number.NaN, 20_000, lag);
  watchLoad(outlook, 100, 10_000, lag);
  assert.deepEqual([...recentSteps(outlook)], [10, Number.NaN, Number.NaN, 10]);
});

test('after a gap of more than a day all begin anew, without a word', () => {
  const outlook = startOutlook(lag);
  pass(outlook, 12, hourly(seededRandom(1)));
  assert.equal(watchLoad(outlook, Number.NaN, 2 * 86_400_000, lag), true);
  assert.equal(foresightOf(outlook), undefined);
  assert.equal(recentSteps(outlook).length, 0);
});

test('another lag begins its record anew and leaves the other horizons alone', () => {
  const outlook = startOutlook(lag);
  pass(outlook, 12, hourly(seededRandom(1)));
  const before = tellOutlook(outlook).horizons[1];
  watchLoad(outlook, 0, 0, 300);
  const [first, second] = tellOutlook(outlook).horizons;
  assert.equal(first?.seconds, 300);
  assert.ok(first.forecasters.every(({ scored, authority }) => scored === 0 && authority === 0));
  assert.deepEqual(second, before);
});

test('its state is plain data: from a copy it says the same on', () => {
  const outlook = startOutlook(lag);
  const load = hourly(() => 0.5);
  const second = pass(outlook, 5, load);
  const copy = { ...outlook, state: structuredClone(outlook.state) };
  for (const one of [outlook, copy]) pass(one, 2, load, second);
  assert.deepEqual(tellOutlook(copy), tellOutlook(outlook));
});

test('one that answers after its step is judged by what it said in time, and silence is no forecast', () => {
  /** Its state is what it has said last, of every step to come. */
  const asked: Forecaster<number> = {
    name: 'asked',
    start: () => Number.NaN,
    observe: () => Number.NaN,
    forecast: (said) => said,
  };
  const outlook = startOutlook(lag, [asked]);
  const index = outlook.forecasters.length - 1;
  const load = (second: number): number => (second % 1200 < 300 ? 200 : 40);
  for (let second = 0; second < 6 * 3600; second += 10) {
    watchLoad(outlook, 10 * load(second), 10_000, lag);
    hear(outlook, index, load(second + lag));
  }
  assert.equal(trustIn(outlook, index, 0) > 0.5, true);
  assert.equal(foresightOf(outlook)?.by, 'asked');
  watchLoad(outlook, 10 * load(0), 10_000, lag);
  assert.notEqual(foresightOf(outlook)?.by, 'asked');
  assert.equal(tellOutlook(outlook).horizons[0]?.forecasters[index]?.why, 'it says nothing now');
});
