/** When the tools are given out, under a virtual clock: an engine of a few lines that only knows their service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Orchestrator, ReplicaOrder } from '../../../control/orchestrator.ts';
import { FlyballError } from '../../../errors.ts';
import { orderOf } from '../../../testing/lone-replica.ts';
import { createVirtualClock } from '../../../testing/virtual-clock.ts';
import type { ServiceSpec, SwarmTask, TaskState } from './engine.ts';
import { withForeignImages, type ForeignOptions } from './foreign.ts';

const { signal } = new AbortController();
const platform = { name: 'p', image: 'flyball:1' };

const ordinary = orderOf('a');
const foreign = {
  ...ordinary,
  launch: { ...ordinary.launch, runtime: { kind: 'server', image: 'i:1', env: {}, command: ['serve'] } },
} as unknown as ReplicaOrder;

const task = (nodeId: string, state: TaskState, serviceId: string) =>
  ({ nodeId, serviceId, state, error: undefined, message: state }) as SwarmTask;

function stage(nodes: Record<string, TaskState>, fails: () => string | undefined = () => undefined) {
  const clock = createVirtualClock();
  const services = new Map<string, ServiceSpec>();
  const log: string[] = [];
  const engine = {
    image: async () => undefined,
    services: async () => [...services].map(([id, spec]) => ({ id, version: 1, spec })),
    async createService(spec: ServiceSpec) {
      log.push(`create ${spec.Name}`);
      services.set(spec.Name, spec);
      return true;
    },
    async removeService(id: string) {
      log.push(`remove ${id}`);
      services.delete(id);
    },
    // Those of an earlier service may be there for a while.
    tasks: async () => [
      ...Object.keys(nodes).map((nodeId) => task(nodeId, 'complete', 'p_tools-before')),
      ...Object.entries(nodes).flatMap(([nodeId, state]) => [...services.keys()].map((id) => task(nodeId, state, id))),
    ],
    nodes: async () => Object.keys(nodes).map((id) => ({ id, name: id, state: 'ready', availability: 'active' })),
  } as unknown as ForeignOptions['engine'];
  const driver = {
    async start({ id }: ReplicaOrder) {
      log.push(`start ${id}`);
      const why = fails();
      if (why !== undefined) throw new FlyballError('REPLICA_FAILED', why);
      return { id };
    },
  } as unknown as Orchestrator;
  const orchestrator = withForeignImages(driver, { engine, clock, platform });
  async function start(order: ReplicaOrder, ms = 0): Promise<string> {
    let outcome: string | undefined;
    void orchestrator.start(order, signal).then(
      ({ id }) => (outcome = `${id} runs`),
      (error: Error) => (outcome = error.message),
    );
    for (let left = ms; left >= 0; left -= 250) {
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      clock.pass(250);
    }
    return outcome ?? 'waits';
  }
  return { log, start, nodes, services };
}

test('what needs no tools gets none', async () => {
  const { log, start } = stage({ n1: 'complete' });
  assert.equal(await start(ordinary), 'a runs');
  assert.deepEqual(log, ['start a']);
});

test('they are given out before the first replica, once', async () => {
  const { log, start, services } = stage({ n1: 'complete', n2: 'complete' });
  services.set('p_tools-before', { Name: 'p_tools-before' } as ServiceSpec);
  assert.equal(await start(foreign), 'a runs');
  assert.equal(await start(foreign), 'a runs');
  assert.match(log.join('; '), /^remove p_tools-before; create p_tools-\w+; start a; start a$/);
});

test('every node is waited for, but not for long once one is done', async () => {
  const slow = stage({ n1: 'complete', n2: 'running' });
  assert.equal(await slow.start(foreign, 10_000), 'waits');
  assert.equal(await slow.start(foreign, 10_000), 'a runs');
  const soon = stage({ n1: 'complete', n2: 'running' });
  assert.equal(await soon.start(foreign, 1000), 'waits');
  soon.nodes['n2'] = 'complete';
  assert.equal(await soon.start(foreign, 1000), 'a runs');
});

test('where no node gets them, the reason is given, and the next start tries again', async () => {
  const { log, start, nodes } = stage({ n1: 'rejected' });
  assert.match(await start(foreign, 100_000), /no node could be given .*service p_tools-\w+\): n1: rejected/);
  nodes['n1'] = 'complete';
  assert.equal(await start(foreign, 1000), 'a runs');
  assert.match(log.join('; '), /^create (\S+); remove \1; create \1; start a$/);
});

test('where they are gone, they are given out again', async () => {
  let why: string | undefined =
    'exec: "/flyball/tools/1/loader": stat /flyball/tools/1/loader: no such file or directory';
  const { log, start } = stage({ n1: 'complete' }, () => why);
  assert.match(await start(foreign), /was not on its node \(volume p-tools\), and is put there again: .*no such file/);
  why = undefined;
  assert.equal(await start(foreign), 'a runs');
  assert.match(log.join('; '), /^create (\S+); start a; remove \1; create \1; start a$/);
});
