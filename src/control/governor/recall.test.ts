/** A policy that begins with nothing learns from what is on record, in pieces, and never from what nobody saw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unconstrained } from '../../core/scaling/constrain.ts';
import { openSeries } from '../../series/open-series.ts';
import { idleRow } from '../../series/columns.ts';
import { governedWorld } from '../../testing/governed-world.ts';
import { openMemorySeries } from '../../testing/memory-series.ts';
import { observe } from '../../testing/observations.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { createMind } from './mind.ts';
import { recallPast, recordedPast } from './recall.ts';
import { decideAgain } from './replay.ts';

/** Every five minutes a minute of ten times the load. */
const crowds = (seconds: number): number[] =>
  Array.from({ length: seconds }, (_, second) => (second % 300 < 60 ? 100 : 10));
const seen = observe({ min: 1, max: 50, fleet: { target: 2 } });
const set = { ...unconstrained, min: 1, max: 50 };
const mindOf = (policy: string) => createMind({ policy, parameters: {} }, seen, set, 0, () => 0);
const pastOf = (arrivals: readonly number[]) => ({ of: async () => Float64Array.from(arrivals) });
const saidBy = (mind: ReturnType<typeof mindOf>): string => {
  const { describe } = mind.think(seen, [], set, 1000);
  return describe().said[0]?.reason ?? '';
};

test('it rests at once on the hour that is on record, and what it decides can be decided again', async () => {
  const [cold, warm] = [mindOf('slo'), mindOf('slo')];
  assert.equal(await recallPast(pastOf(crowds(3600)), 'd', warm, () => true), 3600);
  assert.doesNotMatch(saidBy(cold), /over 60 min|over 1 h/);
  assert.match(saidBy(warm), /over (60 min|1 h)/);
  const thought = warm.think(seen, [], set, 2000);
  const decision = thought.describe();
  assert.deepEqual(decideAgain(warm.takeRecording()), decision);
});

test('what nobody saw is left out; too little, silence, and a rule without a memory are nothing', async () => {
  const gaps = crowds(600).map((rate, second) => (second % 3 === 0 ? rate : Number.NaN));
  assert.equal(await recallPast(pastOf(gaps), 'd', mindOf('slo'), () => true), 200);
  for (const [policy, arrivals] of [
    ['slo', crowds(20)],
    ['slo', Array<number>(3600).fill(0)],
    ['slo', Array<number>(3600).fill(Number.NaN)],
    ['slo', []],
    ['hpa', crowds(3600)],
  ] as const)
    assert.equal(await recallPast(pastOf(arrivals), 'd', mindOf(policy), () => true), 0);
});

test('a mind that is replaced meanwhile is left alone, and others have their turn between the pieces', async () => {
  const mind = mindOf('slo');
  let pieces = 0;
  let turns = 0;
  const other = setInterval(() => (turns += 1), 0);
  const learned = await recallPast(pastOf(crowds(3600)), 'd', mind, () => (pieces += 1) < 40);
  clearInterval(other);
  assert.equal(learned, 0);
  assert.ok(turns > 0);
  assert.doesNotMatch(saidBy(mind), /over 60 min|over 1 h/);
});

test('what is on record comes from the series, by the second, also what is not written yet', async () => {
  const clock = createVirtualClock();
  const series = openSeries(openMemorySeries(), clock);
  const held = { ready: 1, starting: 0, target: 1 };
  const first = Math.floor(clock.wall() / 1000) * 1000 - 3000;
  for (const [index, arrivals] of [4, 0, 6].entries())
    series.record(
      first + index * 1000,
      new Map([['d', held]]),
      new Map(arrivals === 0 ? [] : [['d', { ...idleRow(held), arrivals }]]),
    );
  const past = await recordedPast(series, clock).of('d');
  assert.equal(past.length, 3600);
  assert.deepEqual(past.slice(-4), Float64Array.of(Number.NaN, 4, 0, 6));
});

test('the governor recalls once for a mind that begins with nothing, and says so in the journal', async () => {
  await using world = await governedWorld({}, { max: 40, past: crowds(3600) });
  await world.pass(3, { rate: 10, cpu: 0.5 });
  const recalls = async () =>
    (await world.journal.read({ kind: 'upkeep' })).filter(({ action }) => action === 'recall');
  assert.deepEqual(
    (await recalls()).map(({ by, reason }) => [by, reason]),
    [['governor', 'slo begins with the load of 3600 s that are on record']],
  );
  await world.pass(3, { rate: 10, cpu: 0.5 });
  assert.equal((await recalls()).length, 1);
  // Kept over a restart: nothing has to be recalled.
  await world.pass(70, { rate: 10, cpu: 0.5 });
  await world.restart();
  await world.pass(3, { rate: 10, cpu: 0.5 });
  assert.equal((await recalls()).length, 1);
});
