/** The process orchestrator with runners that were started ahead: the same seam, and what is theirs alone. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock, type Clock } from '../../clock.ts';
import type { Orchestrator, ReplicaExit } from '../../control/orchestrator.ts';
import { declared } from '../../testing/conformance/orchestrator-deviations.ts';
import { endings } from '../../testing/conformance/orchestrator-endings.ts';
import { singleReplicas } from '../../testing/conformance/orchestrator-replicas.ts';
import { orchestratorConformance } from '../../testing/conformance/orchestrator.ts';
import { orderOf, stateAt } from '../../testing/lone-replica.ts';
import { until } from '../../testing/until.ts';
import { prestartedVariable } from '../../runner/prestarted.ts';
import { processesWith } from './process-identity.ts';
import { openProcessOrchestrator } from './process.ts';

const { signal } = new AbortController();
const pidOf = (where: string): number => Number(/^pid (\d+)$/.exec(where)?.[1]);
/** Empty for one that has just ended. */
function title(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
/** A runner boots, loads and rehearses, at its leisure. */
const patienceMs = 30_000;

/** Nobody here needs the cores meanwhile. */
const hasty: Clock = { ...systemClock, after: (ms, then) => systemClock.after(ms / 10, then) };

async function engine() {
  const runDirectory = await mkdtemp(join(tmpdir(), 'fb-'));
  const pids = (): number[] =>
    [...processesWith({ FLYBALL_RUN_DIRECTORY: runDirectory, [prestartedVariable]: undefined })].map(({ pid }) => pid);
  const waiting = (): number | undefined => pids().find((pid) => title(pid) === 'flyball runner, waiting');
  const openOnly = (): Promise<Orchestrator> => openProcessOrchestrator({ runDirectory, clock: hasty, prestarted: 1 });
  return {
    runDirectory,
    pids,
    waiting,
    openOnly,
    async open(): Promise<Orchestrator> {
      const orchestrator = await openOnly();
      await until('a runner that waits', () => waiting() !== undefined, patienceMs);
      return orchestrator;
    },
    alive: async () =>
      [...processesWith({ FLYBALL_RUN_DIRECTORY: runDirectory })].filter(({ pid }) =>
        /^flyball runner \S/.test(title(pid)),
      ).length,
    left: () => readdir(runDirectory),
    crash: async (_id: string, where: string): Promise<void> => {
      process.kill(pidOf(where), 'SIGKILL');
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await using last = await openProcessOrchestrator({ runDirectory, clock: systemClock });
      for (const { id } of await last.list()) await last.stop(id, 0);
      await rm(runDirectory, { recursive: true });
    },
  };
}

const skip = existsSync('/proc/self/environ') ? false : 'this system has no /proc to look into';
if (skip === false) {
  // What it changes: how a replica begins and ends. Of many at once one is started ahead at most.
  const name = 'process (started ahead)';
  orchestratorConformance({ name, deviations: declared.process, engine, concurrency: 2 }, [singleReplicas, endings]);
}

test(
  'a replica is made of the runner that waits, and the next one is started after it is ready',
  { skip },
  async () => {
    await using world = await engine();
    await using orchestrator = await world.open();
    const ahead = world.waiting();
    const { where, address } = await orchestrator.start(orderOf('a-1'), signal);
    assert.equal(where, `pid ${ahead}`);
    await until('ready', async () => (await stateAt(address)) === 'ready');
    assert.equal(title(pidOf(where)), 'flyball runner a-1');
    assert.deepEqual(world.pids(), [ahead]);
    await orchestrator.settle('a-1', {});
    await until('the next one', () => world.waiting() !== undefined, patienceMs);
  },
);

test('with none that waits a replica is started as ever', { skip }, async () => {
  await using world = await engine();
  await using orchestrator = await world.openOnly();
  const { address } = await orchestrator.start(orderOf('a-1'), signal);
  await until('ready', async () => (await stateAt(address)) === 'ready');
  assert.deepEqual(world.pids(), []);
});

test('one that has died while it waited is replaced and troubles no start', { skip }, async () => {
  await using world = await engine();
  await using orchestrator = await world.open();
  const exits: ReplicaExit[] = [];
  orchestrator.onExit((exit) => exits.push(exit));
  const dead = world.waiting() as number;
  process.kill(dead, 'SIGKILL');
  // Gone from the table: whoever had started it has heard of its end.
  await until('its end', () => !existsSync(`/proc/${dead}`));
  const { where, address } = await orchestrator.start(orderOf('a-1'), signal);
  assert.notEqual(where, `pid ${dead}`);
  await until('ready', async () => (await stateAt(address)) === 'ready');
  await orchestrator.settle('a-1', {});
  await until('another one', () => world.waiting() !== undefined, patienceMs);
  assert.deepEqual(exits, []);
});

test('a replica with a limit of memory is a new process, all of which counts', { skip }, async () => {
  await using world = await engine();
  await using orchestrator = await world.open();
  const order = { ...orderOf('a-1'), resources: { memoryBytes: 512 * 1_048_576 } };
  const { where } = await orchestrator.start(order, signal);
  assert.notEqual(where, `pid ${world.waiting()}`);
});

test('those that wait end with the orchestrator and leave nothing', { skip }, async () => {
  await using world = await engine();
  const orchestrator = await world.open();
  await orchestrator[Symbol.asyncDispose]();
  await until('their end', () => world.pids().length === 0);
  assert.deepEqual(await readdir(world.runDirectory), []);
});
