import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import type { Orchestrator, ReplicaExit } from '../../control/orchestrator.ts';
import { modulePath } from '../../module-path.ts';
import { orchestratorConformance, orderOf, stateAt } from '../../testing/conformance/orchestrator.ts';
import { until } from '../../testing/until.ts';
import { openProcessOrchestrator } from './process.ts';

const pidOf = (where: string): number => Number(/^pid (\d+)$/.exec(where)?.[1]);

async function engine() {
  const runDirectory = await mkdtemp(join(tmpdir(), 'fb-'));
  const open = (): Promise<Orchestrator> =>
    openProcessOrchestrator({
      runDirectory,
      clock: systemClock,
      runnerModule: modulePath(import.meta.url, '../../testing/frame-runner-process'),
    });
  return {
    runDirectory,
    open,
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

orchestratorConformance('process', engine);

const { signal } = new AbortController();

test('the reason of an exit tells the signal and the last words of its output', async () => {
  await using world = await engine();
  await using orchestrator = await world.open();
  const exits: ReplicaExit[] = [];
  orchestrator.onExit((exit) => exits.push(exit));
  const { where, address } = await orchestrator.start(orderOf('a-1'), signal);
  await until('ready', async () => (await stateAt(address)) === 'ready');
  await world.crash('a-1', where);
  await until('the exit', () => exits.length > 0);
  assert.equal(exits[0]?.reason, 'killed by SIGKILL: serving m');
});

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
