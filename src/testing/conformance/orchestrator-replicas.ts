/** Of a single replica: it starts, ends, dies, and outlives the control that ordered it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Orchestrator, ReplicaExit } from '../../control/orchestrator.ts';
import { orderOf, stateAt } from '../lone-replica.ts';
import { until } from '../until.ts';
import { isReady, settledIn } from './orchestrator-keeper.ts';
import { itIsDeclared, type OrchestratorUnderTest } from './orchestrator.ts';

const { signal } = new AbortController();
/** Long enough for an engine that refills at all; where none is expected it is waited out. */
const refillMs = 1000;

const idsOf = async (orchestrator: Orchestrator): Promise<readonly string[]> =>
  (await orchestrator.list()).map(({ id }) => id);

function exitsOf(orchestrator: Orchestrator): readonly ReplicaExit[] {
  const exits: ReplicaExit[] = [];
  orchestrator.onExit((exit) => exits.push(exit));
  return exits;
}

export function singleReplicas(driver: OrchestratorUnderTest): void {
  void it('a started replica says at its address that it is ready, and started twice it is one', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    const first = await orchestrator.start(orderOf('a-1'), signal);
    await isReady(first, world);
    assert.deepEqual(await orchestrator.start(orderOf('a-1'), signal), first);
    assert.deepEqual(await orchestrator.list(), [first]);
    assert.equal(await world.alive(), 1);
  });

  void it('a start that is called off leaves nothing that nobody knows of', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    await assert.rejects(orchestrator.start(orderOf('a-1'), AbortSignal.abort()));
    assert.deepEqual(await orchestrator.list(), []);
    const calling = new AbortController();
    const started = orchestrator.start(orderOf('a-1'), calling.signal).then(
      ({ id }) => [id],
      () => [],
    );
    setImmediate(() => calling.abort());
    const known = await started;
    assert.deepEqual(await idsOf(orchestrator), known);
    await until('as many as are known', async () => (await world.alive()) === known.length);
  });

  void it('a stopped replica is gone, is no exit, and may be stopped again', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    const exits = exitsOf(orchestrator);
    const replica = await orchestrator.start(orderOf('a-1'), signal);
    await isReady(replica, world);
    await orchestrator.stop('a-1', 5000);
    assert.deepEqual(await orchestrator.list(), []);
    assert.equal(await stateAt(replica.address, world.identity), undefined);
    await orchestrator.stop('a-1', 5000);
    await settledIn(world, 0);
    assert.deepEqual(exits, []);
  });

  void it('a start whose replica is stopped meanwhile ends too', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    const started = orchestrator.start(orderOf('a-1'), signal).catch(() => {});
    await orchestrator.stop('a-1', 0);
    await started;
    // Of one that was not yet to be seen at the first.
    await orchestrator.stop('a-1', 0);
    assert.deepEqual(await orchestrator.list(), []);
    await settledIn(world, 0);
  });

  itIsDeclared(driver, 'the engine does not kill', async (world) => {
    await using orchestrator = await world.open();
    const exits = exitsOf(orchestrator);
    const replica = await orchestrator.start(orderOf('a-1'), signal);
    await isReady(replica, world);
    await orchestrator.kill('a-1');
    await orchestrator.kill('a-1');
    assert.deepEqual(await orchestrator.list(), []);
    assert.deepEqual(exits, []);
    const state = await stateAt(replica.address, world.identity);
    if (state === undefined) return 'as the seam says';
    assert.equal(state, 'ready');
    return 'as the deviation says';
  });

  itIsDeclared(driver, 'the engine refills', async (world, isDeclared) => {
    await using orchestrator = await world.open();
    const exits = exitsOf(orchestrator);
    const replica = await orchestrator.start(orderOf('a-1'), signal);
    await isReady(replica, world);
    await world.crash('a-1', replica.where);
    await until('the exit', () => exits.length > 0);
    const [{ id, reason, byEngine = false } = { id: '', reason: '' }] = exits;
    assert.deepEqual([id, reason !== '', byEngine], ['a-1', true, false]);
    assert.deepEqual(await orchestrator.list(), []);
    const refilled = await until(
      'another',
      async () => (await world.alive()) > 0,
      isDeclared ? 30_000 : refillMs,
    ).catch(() => false);
    await isReady(await orchestrator.start(orderOf('a-2'), signal), world);
    assert.equal(await world.alive(), 1);
    assert.equal(exits.length, 1, 'it is told once');
    return refilled ? 'as the deviation says' : 'as the seam says';
  });

  void it('the next orchestrator finds who is alive where they were, and hears of their end', async () => {
    await using world = await driver.engine();
    const first = await world.open();
    const started = await Promise.all(['a-1', 'a-2'].map((id) => first.start(orderOf(id), signal)));
    for (const replica of started) await isReady(replica, world);
    const [stays, dies] = started;
    assert.ok(stays !== undefined && dies !== undefined);
    await first[Symbol.asyncDispose]();
    await world.crash(dies.id, dies.where);
    await using second = await world.open();
    const exits = exitsOf(second);
    const found = await until('one of them', async () => {
      const [one, ...others] = await second.list();
      return others.length === 0 ? one : undefined;
    });
    assert.deepEqual(
      [found.id, found.address, found.where, found.node],
      [stays.id, stays.address, stays.where, stays.node],
    );
    await world.crash(stays.id, stays.where);
    await until('the exit', () => exits.some(({ id }) => id === stays.id));
  });
}
