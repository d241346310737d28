/** The least that a control does, for the suite of orchestrators: it waits until replicas are ready, and keeps their number. */
import assert from 'node:assert/strict';
import type { FoundReplica, Orchestrator, ReplicaExit, ReplicaOrder } from '../../control/orchestrator.ts';
import { stateAt } from '../lone-replica.ts';
import { until } from '../until.ts';
import type { OrchestratorEngine } from './orchestrator.ts';

const graceMs = 5000;
const patienceMs = 60_000;
/** Engines and replicas are asked over sockets, with certificates: more often costs more than they do themselves. */
export const askEveryMs = 30;

export const isReady = ({ address }: FoundReplica, world: OrchestratorEngine): Promise<unknown> =>
  until('ready', async () => (await stateAt(address, world.identity)) === 'ready', patienceMs, askEveryMs);

/** Nobody may know of more than there are, nor there be more than anybody knows of. */
export const settledIn = (world: OrchestratorEngine, count: number): Promise<unknown> =>
  until(`${count} alive`, async () => (await world.alive()) === count, patienceMs, askEveryMs);

/** The least that a control does: whatever the engine ends of its own accord is ordered again, under another name. */
export function openKeeper(orchestrator: Orchestrator, world: OrchestratorEngine) {
  const kept = new Map<string, ReplicaOrder>();
  const exits: ReplicaExit[] = [];
  const { signal } = new AbortController();
  let again: Promise<unknown> = Promise.resolve();

  async function start(order: ReplicaOrder): Promise<FoundReplica> {
    kept.set(order.id, order);
    const replica = await orchestrator.start(order, signal);
    await isReady(replica, world);
    return replica;
  }
  orchestrator.onExit((exit) => {
    exits.push(exit);
    const order = kept.get(exit.id);
    if (exit.byEngine !== true || order === undefined) return;
    kept.delete(exit.id);
    again = Promise.all([again, start({ ...order, id: `${exit.id}′` })]);
  });

  return {
    /** By name. */
    kept: kept as ReadonlyMap<string, ReplicaOrder>,
    exits: exits as readonly ReplicaExit[],
    start,
    async stop(id: string): Promise<void> {
      kept.delete(id);
      await orchestrator.stop(id, graceMs);
      await again;
    },
    /** What is listed, and what there is, is what is kept. */
    async isSettled(): Promise<void> {
      await settledIn(world, kept.size);
      assert.deepEqual((await orchestrator.list()).map(({ id }) => id).toSorted(), [...kept.keys()].toSorted());
    },
  };
}
