/** The learned set-point in the live loop: said, journalled and replayed like any policy; in advise it moves nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { governedWorld } from '../../testing/governed-world.ts';
import type { DecisionDetails } from './governed.ts';
import { replay } from './replay.ts';
import { whyNow } from './why.ts';

const rate = (second: number): number => (second % 300 < 60 ? 70 : 15);

test('why tells its quantile, its record and that it is not in charge; its decisions replay byte for byte', async () => {
  await using world = await governedWorld(
    { mode: 'auto', modeReason: 'test', policy: 'learned' },
    { max: 12, startMs: 5000 },
  );
  for (let second = 0; second < 1200; second += 1) await world.pass(1, { rate: rate(second), cpu: 0.5 });
  const { decision } = await whyNow(world.deployment, { ...world, governor: world.governor() });
  assert.match(
    decision?.reason ?? '',
    /the learned headroom \(.* % of growth while .*\) would hold \d+ and is not in charge: in \d+ periods of the 60/,
  );
  const entries = await world.store.journal({ subject: 'd', kind: 'decision', newestFirst: true, limit: 20 });
  let replayed = 0;
  for (const { details } of entries) {
    const { recording, decision: kept } = details as DecisionDetails;
    if (recording === undefined) continue;
    assert.equal(replay(recording, kept).same, true);
    replayed += 1;
  }
  assert.ok(replayed > 3);
});

test('in advise it moves nothing', async () => {
  await using world = await governedWorld({ policy: 'learned' }, { max: 12, startMs: 5000 });
  for (let second = 0; second < 900; second += 1) await world.pass(1, { rate: rate(second), cpu: 0.5 });
  assert.deepEqual(world.moves, [1]);
});
