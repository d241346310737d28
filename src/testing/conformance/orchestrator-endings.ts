/** How a replica ends: with what it has begun, by force, and with its last words. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ReplicaExit } from '../../control/orchestrator.ts';
import { callAt, orderOf, slowRowMs, slowRuntime } from '../lone-replica.ts';
import { until } from '../until.ts';
import { isReady, settledIn } from './orchestrator-keeper.ts';
import { itIsDeclared, type OrchestratorEngine, type OrchestratorUnderTest } from './orchestrator.ts';

const { signal } = new AbortController();

/** A replica is stopped while it works on a call; whether the call was answered. */
async function stopWhileCalled(world: OrchestratorEngine, callMs: number, graceMs: number): Promise<boolean> {
  await using orchestrator = await world.open();
  const replica = await orchestrator.start(orderOf('a-1', { runtime: slowRuntime }), signal);
  await isReady(replica, world);
  const call = callAt(replica.address, callMs / slowRowMs, world.identity);
  await call.taken;
  const stopped = orchestrator.stop('a-1', graceMs);
  const answer = await call.answer;
  await stopped;
  assert.deepEqual(await orchestrator.list(), []);
  await settledIn(world, 0);
  return answer !== undefined && answer.error === undefined;
}

export function endings(driver: OrchestratorUnderTest): void {
  void it('a replica that is stopped finishes what it has begun', async () => {
    await using world = await driver.engine();
    assert.equal(await stopWhileCalled(world, 800, 30_000), true);
  });

  void it('a replica that does not finish is ended by force', async () => {
    await using world = await driver.engine();
    assert.equal(await stopWhileCalled(world, 600_000, 500), false);
  });

  itIsDeclared(driver, 'the grace is the platform’s', async (world) =>
    (await stopWhileCalled(world, 1000, 100)) ? 'as the deviation says' : 'as the seam says',
  );

  void it('the reason of an exit has the last words of its output', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    const exits: ReplicaExit[] = [];
    orchestrator.onExit((exit) => exits.push(exit));
    const runtime = { ...slowRuntime, fault: { at: 'load', count: 1, kind: 'crash' } } as const;
    const words = await orchestrator.start(orderOf('a-1', { runtime }), signal).then(
      () => until('the exit', () => exits[0]?.reason),
      (error: Error) => error.message,
    );
    assert.match(words, /the simulated crash at the load/);
  });
}
