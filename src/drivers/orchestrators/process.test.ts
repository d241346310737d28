import assert from 'node:assert/strict';
import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import type { Orchestrator } from '../../control/orchestrator.ts';
import { clusters } from '../../testing/conformance/orchestrator-cluster.ts';
import { declared } from '../../testing/conformance/orchestrator-deviations.ts';
import { endings } from '../../testing/conformance/orchestrator-endings.ts';
import { fleets } from '../../testing/conformance/orchestrator-fleet.ts';
import { limits } from '../../testing/conformance/orchestrator-limits.ts';
import { singleReplicas } from '../../testing/conformance/orchestrator-replicas.ts';
import { orchestratorConformance } from '../../testing/conformance/orchestrator.ts';
import { coresOf, limitHindrance } from '../../testing/kernel-limits.ts';
import { orderOf } from '../../testing/lone-replica.ts';
import { until } from '../../testing/until.ts';
import { processesWith } from './process-identity.ts';
import { openProcessOrchestrator } from './process.ts';

const pidOf = (where: string): number => Number(/^pid (\d+)$/.exec(where)?.[1]);

async function engine() {
  const runDirectory = await mkdtemp(join(tmpdir(), 'fb-'));
  const open = (): Promise<Orchestrator> => openProcessOrchestrator({ runDirectory, clock: systemClock });
  return {
    runDirectory,
    open,
    alive: async () => [...processesWith({ FLYBALL_RUN_DIRECTORY: runDirectory, FLYBALL_REPLICA: undefined })].length,
    left: () => readdir(runDirectory),
    coresOf: async (where: string) => coresOf(pidOf(where)),
    crash: async (_id: string, where: string): Promise<void> => {
      process.kill(pidOf(where), 'SIGKILL');
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await using last = await open();
      for (const { id } of await last.list()) await last.stop(id, 0);
      await rm(runDirectory, { recursive: true });
    },
  };
}

const unlimited = await limitHindrance();
orchestratorConformance({ name: 'process', deviations: declared.process, engine, unlimited, concurrency: 2 }, [
  singleReplicas,
  fleets,
  endings,
  limits,
  clusters,
]);

const { signal } = new AbortController();

test('a stopped replica leaves no file behind', async () => {
  await using world = await engine();
  await using orchestrator = await world.open();
  await orchestrator.start(orderOf('a-1'), signal);
  await orchestrator.stop('a-1', 0);
  assert.deepEqual(await readdir(world.runDirectory), []);
});

test('a replica whose record was never written is found by its environment', async () => {
  await using world = await engine();
  const first = await world.open();
  const { where } = await first.start(orderOf('a-1'), signal);
  await first[Symbol.asyncDispose]();
  await rm(join(world.runDirectory, 'replica-a-1.json'));
  await using second = await world.open();
  assert.deepEqual(
    (await second.list()).map((replica) => [replica.id, replica.where]),
    [['a-1', where]],
  );
});

test('a pid that belongs to somebody else by now is neither adopted nor killed', async () => {
  await using world = await engine();
  const record = { id: 'a-1', pid: process.pid, startTicks: 1, socket: join(world.runDirectory, 'r-a-1.sock') };
  await writeFile(join(world.runDirectory, 'replica-a-1.json'), JSON.stringify(record));
  await using orchestrator = await world.open();
  assert.deepEqual(await orchestrator.list(), []);
  await orchestrator.stop('a-1', 0);
  assert.equal(existsSync(join(world.runDirectory, 'replica-a-1.json')), false);
});

test('a socket path that the system would not take is refused before anything starts', async () => {
  await using world = await engine();
  await using orchestrator = await world.open();
  await assert.rejects(orchestrator.start(orderOf('x'.repeat(120)), signal), /at most 107 bytes/);
});

/** Folders in which this machine lets us make groups; a container often does not. */
const hierarchies = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/memory'].filter((path) => {
  try {
    accessSync(path, constants.W_OK);
    return existsSync(join(path, 'cgroup.procs'));
  } catch {
    return false;
  }
});
const skip = hierarchies.length < 2 ? 'no cgroups of version 1 can be made here' : false;

const groups = (): readonly string[] =>
  hierarchies.flatMap((path) => {
    const folder = join(path, 'flyball');
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });

test('limits are made for real and are gone with the replica', { skip }, async () => {
  await using world = await engine();
  await using orchestrator = await world.open();
  const before = new Set(groups());
  const limits = { cpu: 0.5, memoryBytes: 512 * 1_048_576 };
  const replica = await orchestrator.start({ ...orderOf('limited-1'), resources: limits }, signal);
  assert.deepEqual(replica.limits, { kind: 'enforced' });
  assert.deepEqual(await orchestrator.settle('limited-1', limits), { kind: 'enforced' });
  const made = groups().filter((path) => path.endsWith('-limited-1') && !before.has(path));
  assert.equal(made.length, 2);
  await orchestrator.stop('limited-1', 0);
  assert.deepEqual(
    made.filter((path) => existsSync(path)),
    [],
  );
});

test('groups that a killed platform of this directory left are gone at its next start', { skip }, async () => {
  await using world = await engine();
  const first = await world.open();
  const resources = { cpu: 0.5 };
  const { where } = await first.start({ ...orderOf('left-1'), resources }, signal);
  await first.settle('left-1', resources);
  const left = groups().find((path) => path.endsWith('-left-1'));
  await first[Symbol.asyncDispose]();
  process.kill(pidOf(where), 'SIGKILL');
  // As if nobody had been there to tidy up.
  await until('its end', () => !existsSync(`/proc/${pidOf(where)}/exe`));
  mkdirSync(left ?? '', { recursive: true });
  await using _second = await world.open();
  assert.equal(existsSync(left ?? ''), false);
});
