/** Starts that end otherwise than with a task, on a rehearsed Swarm under a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderOf } from '../../../testing/lone-replica.ts';
import { rehearsedPlatform as platform, rehearsedSwarm } from '../../../testing/rehearsed-swarm.ts';
import { createVirtualClock } from '../../../testing/virtual-clock.ts';
import { taskPort } from './service-spec.ts';
import { openSwarmOrchestrator } from './swarm.ts';

const { signal } = new AbortController();

async function open() {
  const clock = createVirtualClock();
  const swarm = rehearsedSwarm({
    clock,
    nodes: [{ name: 'n1', room: 2 }],
    port: taskPort,
    refuses: ({ Labels }) => (Labels['io.flyball.version'] === '2' ? 'invalid constraint' : undefined),
  });
  const orchestrator = await openSwarmOrchestrator({
    engine: swarm.engine(),
    clock,
    platform,
    certificate: () => 'pem',
  });
  /** What has become of them by then; those of which nothing has are missing. */
  async function after(ms: number, starts: Readonly<Record<string, Promise<{ readonly where: string }>>>) {
    const seen: Record<string, string> = {};
    for (const [name, start] of Object.entries(starts)) {
      start.then(
        ({ where }) => (seen[name] = where),
        (error: Error) => (seen[name] = error.message),
      );
    }
    for (let left = ms; left > 0; left -= 50) {
      clock.pass(50);
      for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
    }
    return seen;
  }
  return { orchestrator, after, [Symbol.asyncDispose]: () => orchestrator[Symbol.asyncDispose]() };
}

test('what the engine refuses fails with its words at once, and holds up no other service', async () => {
  await using world = await open();
  const refused = world.orchestrator.start(orderOf('b-1', { version: '2' }), signal);
  const other = world.orchestrator.start(orderOf('a-1'), signal);
  const seen = await world.after(2000, { refused, other });
  assert.deepEqual(seen, { refused: 'the Docker engine refused: invalid constraint', other: 'task t1 on n1' });
});

test('whoever asks for the same replica twice gets the same one twice', async () => {
  await using world = await open();
  const [first, second] = [1, 2].map(() => world.orchestrator.start(orderOf('a-1'), signal));
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual(await world.after(2000, { first, second }), { first: 'task t1 on n1', second: 'task t1 on n1' });
});

test('a start ends when its replica is stopped or killed before it runs', async () => {
  await using world = await open();
  const stopped = world.orchestrator.start(orderOf('a-1'), signal);
  const killed = world.orchestrator.start(orderOf('a-2'), signal);
  const starts = world.after(1500, { stopped, killed });
  await Promise.all([world.orchestrator.stop('a-1', 0), world.orchestrator.kill('a-2')]);
  assert.deepEqual(await starts, {
    stopped: 'it was stopped before it ran',
    killed: 'it was ended before it ran',
  });
  assert.deepEqual(await world.orchestrator.list(), []);
});
