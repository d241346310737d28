/**
 * The orchestrator seam without processes: replicas are frame runners in this process, on real sockets. A `world`
 * stands for the engine, which outlives any one orchestrator object, as processes outlive control.
 */
import { join } from 'node:path';
import type { FoundReplica, Orchestrator, ReplicaExit, ReplicaResources } from '../control/orchestrator.ts';
import type { RunnerLaunch } from '../runner/launch.ts';
import { startFrameRunner, type FrameRunner, type FrameRunnerOptions } from './frame-runner.ts';

interface Simulated {
  readonly replica: FoundReplica;
  readonly runner: FrameRunner;
}

export interface SimulatedWorld extends AsyncDisposable {
  open(): Promise<Orchestrator>;
  readonly replicas: ReadonlyMap<string, Simulated>;
  /** How often a replica was started. */
  starts(): number;
  /** It dies by itself. */
  kill(id: string, reason: string): Promise<void>;
  readonly settled: ReadonlyMap<string, ReplicaResources>;
}

export function simulatedWorld(
  directory: string,
  behaviour: (launch: RunnerLaunch) => FrameRunnerOptions,
): SimulatedWorld {
  const replicas = new Map<string, Simulated>();
  const settled = new Map<string, ReplicaResources>();
  const observers = new Set<(exit: ReplicaExit) => void>();
  let starts = 0;

  async function end(id: string): Promise<void> {
    const found = replicas.get(id);
    replicas.delete(id);
    await found?.runner[Symbol.asyncDispose]();
  }

  return {
    replicas,
    settled,
    starts: () => starts,
    async kill(id, reason) {
      await end(id);
      for (const observer of observers) observer({ id, reason });
    },
    async open() {
      const own = new Set<(exit: ReplicaExit) => void>();
      return {
        async start(order, signal) {
          signal.throwIfAborted();
          const existing = replicas.get(order.id);
          if (existing !== undefined) return existing.replica;
          const path = join(directory, `r-${order.id}.sock`);
          const launch: RunnerLaunch = { ...order.launch, listen: { kind: 'unix', path } };
          const runner = await startFrameRunner(launch, behaviour(launch));
          starts += 1;
          const where = `simulated ${starts}`;
          const replica: FoundReplica = {
            id: order.id,
            address: { kind: 'unix', path },
            where,
            limits: { kind: 'none' },
          };
          replicas.set(order.id, { replica, runner });
          return replica;
        },
        async settle(id, resources) {
          settled.set(id, resources);
          return { kind: 'unenforced', reason: 'simulated' };
        },
        stop: (id) => end(id),
        kill: (id) => end(id),
        list: async () => [...replicas.values()].map(({ replica }) => replica),
        onExit(listener) {
          own.add(listener);
          observers.add(listener);
        },
        async [Symbol.asyncDispose]() {
          for (const listener of own) observers.delete(listener);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...replicas.keys()].map(end));
    },
  };
}
