/** A model that sets the headroom: asked with the load and the fleet, believed in what it says for half a minute. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOutlook, watchLoad } from '../../core/forecasting/outlook.ts';
import { governedWorld } from '../../testing/governed-world.ts';
import { observe } from '../../testing/observations.ts';
import type { DecisionDetails } from './governed.ts';
import { replay, unpackRecording } from './replay.ts';
import { openSetPoints, rowOf } from './set-point.ts';
import { whyNow } from './why.ts';

test('its row is the load by step, what is foretold, the fleet, the queue, the service time, the objective, the lag', () => {
  const outlook = startOutlook(10);
  for (const rate of [10, 20, 30]) watchLoad(outlook, 10 * rate, 10_000, 10);
  const seen = observe({ fleet: { target: 5, ready: 4, starting: 1 } });
  assert.deepEqual([...rowOf(seen, outlook)], [10, 20, 30, 30, 5, 4, 1, 0, 100, 500, 0.5]);
  const foresight = { seconds: 10, perSecond: 50, authority: 0.5, by: 'x' };
  assert.equal(rowOf({ ...seen, foresight }, outlook)[3], 40);
});

test('it is asked every ten seconds; an answer that is no quantile, or that has become old, sets nothing', async () => {
  const outlook = startOutlook(10);
  const says = [0.98, 7, undefined, undefined, undefined];
  let asked = 0;
  const points = openSetPoints('d', 'net', async () => {
    const said = says[asked];
    asked += 1;
    return said === undefined
      ? { kind: 'silent', why: 'no answer within 2000 ms' }
      : { kind: 'said', values: Float64Array.of(said) };
  });
  const quantiles: (number | undefined)[] = [];
  for (let second = 0; second <= 45; second += 5) {
    quantiles.push(points.look(observe(), outlook, second * 1000)?.quantile);
    await points.settled();
  }
  assert.equal(asked, 5);
  // Of the answer of the first second until the thirtieth; what came after it set nothing.
  assert.deepEqual(quantiles, [undefined, 0.98, 0.98, 0.98, 0.98, 0.98, 0.98, undefined, undefined, undefined]);
  assert.deepEqual(points.view(), { model: 'net', quantile: null, problem: 'no answer within 2000 ms' });
});

test('live, why shows what it says, and a decision replays with it, without asking anybody', async () => {
  await using world = await governedWorld(
    { mode: 'auto', modeReason: 'test', policy: 'learned', setPoint: 'net' },
    { max: 12, startMs: 5000, ask: async () => ({ kind: 'said', values: Float64Array.of(0.97) }) },
  );
  for (let second = 0; second < 600; second += 1) await world.pass(1, { rate: second % 120 < 40 ? 70 : 15, cpu: 0.5 });
  const { setPoint, decision } = await whyNow(world.deployment, { ...world, governor: world.governor() });
  assert.deepEqual(setPoint, { model: 'net', quantile: 0.97 });
  assert.match(decision?.reason ?? '', /the model that sets the headroom \(97 % of growth/);
  const entries = await world.store.journal({ subject: 'd', kind: 'decision', newestFirst: true, limit: 20 });
  let told = 0;
  for (const { details } of entries) {
    const { recording, decision: kept } = details as DecisionDetails;
    if (recording === undefined) continue;
    assert.equal(replay(recording, kept).same, true);
    if (unpackRecording(recording).looks.some(({ seen }) => seen.setPoint?.quantile === 0.97)) told += 1;
  }
  assert.ok(told > 0);
});
