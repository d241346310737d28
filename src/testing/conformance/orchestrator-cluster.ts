/** What a driver of several nodes has beside: where a replica may be, and what others do to what is held. */
import assert from 'node:assert/strict';
import type { Drift } from '../../control/orchestrator.ts';
import { orderOf } from '../lone-replica.ts';
import { until } from '../until.ts';
import { openKeeper, settledIn } from './orchestrator-keeper.ts';
import { itIsDeclared, type OrchestratorUnderTest } from './orchestrator.ts';

const { signal } = new AbortController();
const nowhere = { constraints: ['node.labels.flyball==nowhere'], spread: [] };

export function clusters(driver: OrchestratorUnderTest): void {
  itIsDeclared(driver, 'one machine', async (world) => {
    await using orchestrator = await world.open();
    const unplaced = orchestrator.start({ ...orderOf('b-1', { version: '2' }), placement: nowhere }, signal).then(
      () => '',
      (error: Error) => error.message,
    );
    const { node } = await orchestrator.start(orderOf('a-1'), signal);
    const why = await unplaced;
    if (why === '') {
      assert.deepEqual([node, 'nodes' in orchestrator], [undefined, false]);
      await settledIn(world, 2);
      return 'as the deviation says';
    }
    assert.match(why, /no node has room for it: ./);
    const nodes = await orchestrator.nodes?.();
    assert.deepEqual(
      nodes?.filter(({ name }) => name === node).map(({ tasks }) => tasks),
      [{ m: 1 }],
    );
    await settledIn(world, 1);
    return 'as the seam says';
  });

  itIsDeclared(driver, 'nobody else’s hand', async (world) => {
    await using orchestrator = await world.open();
    if (!('onDrift' in orchestrator)) return 'as the deviation says';
    const drifts: Drift[] = [];
    orchestrator.onDrift?.((drift) => drifts.push(drift));
    const keeper = openKeeper(orchestrator, world);
    await keeper.start(orderOf('a-1'));
    assert.ok(world.meddle !== undefined);
    await world.meddle();
    await until('the drift', () => drifts.length > 0);
    assert.deepEqual(
      drifts.map(({ deployment, reason }) => [deployment, /\d+ replicas where \d+ are held/.test(reason)]),
      [['m', true]],
    );
    await until('it is put right', async () => (await world.alive()) === 1);
    await keeper.isSettled();
    return 'as the seam says';
  });
}
