import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReplicaOrder } from '../../../control/orchestrator.ts';
import type { RunnerLaunch } from '../../../runner/launch.ts';
import { orderOf } from '../../../testing/lone-replica.ts';
import type { SwarmTask } from './engine.ts';
import { lacksTools, toolsKey, toolsSpec, toolsState, withImage } from './foreign-spec.ts';
import { kindOf, serviceSpec, type SwarmPlatform } from './service-spec.ts';

type Server = Extract<RunnerLaunch['runtime'], { kind: 'server' }>;

const platform: SwarmPlatform = {
  name: 'p',
  image: 'flyball:1',
  doors: [],
  artefactsRoot: '/a',
  stopGraceMs: 5000,
  certificateMs: 86_400_000,
};
const file = (name: string) => ({ id: name, name });

function inImage(more: Partial<Server> = {}): ReplicaOrder {
  const order = orderOf('a');
  const runtime = { kind: 'server', image: 'models/churn:3', env: {}, files: {}, ...more } as Server;
  return { ...order, launch: { ...order.launch, runtime } };
}

function containerOf(order: ReplicaOrder, of = platform): Record<string, unknown> {
  const spec = serviceSpec('s', order, of, { launch: file('l'), identity: file('i'), life: { from: 0, until: 1 } });
  return spec.TaskTemplate['ContainerSpec'] as Record<string, unknown>;
}

describe('a replica in another image', () => {
  test('is that image, with the runner of the volume as its first process, as the image’s user, in its folder', () => {
    const { Image, Command, Args, User, Dir, Mounts, Env } = containerOf(inImage()) as Record<string, string[]>;
    const at = `/flyball/tools/${toolsKey(platform)}`;
    assert.deepEqual([Image, User, Dir], ['models/churn:3', undefined, undefined]);
    assert.deepEqual(Command, [`${at}/loader`]);
    assert.deepEqual(Args?.slice(1, 6), [
      '--library-path',
      `${at}/lib`,
      `${at}/node`,
      `${at}/flyball/bin/flyball.js`,
      'runner',
    ]);
    assert.deepEqual(Mounts, [
      { Type: 'volume', Source: 'p-tools', Target: '/flyball/tools', ReadOnly: true },
      { Type: 'volume', Source: 'p-foreign', Target: '/flyball/models' },
    ]);
    assert.ok(Env?.includes('LD_PRELOAD=') && Env.includes('FLYBALL_CACHE=/flyball/models/{uid}'));
  });

  test('is another service when the image, its command or the content of Flyball’s own image is another', () => {
    const kinds = [
      kindOf(inImage(), platform),
      kindOf(inImage({ image: 'models/churn:4' }), platform),
      kindOf(inImage({ command: ['serve'] }), platform),
      kindOf(inImage(), { ...platform, imageId: 'sha256:1' }),
    ];
    assert.equal(new Set(kinds).size, kinds.length);
  });

  test('leaves the services of Flyball’s own image as they are', () => {
    const order = orderOf('a');
    assert.equal(kindOf(order, platform), kindOf(order, { ...platform, imageId: 'sha256:1' }));
    assert.equal(containerOf(order)['Image'], 'flyball:1');
  });
});

describe('what an image starts', () => {
  const facts = { id: 'sha256:1', starts: ['serve', '--all'], env: { PATH: '/bin', LD_PRELOAD: '/tcmalloc.so' } };
  const serverOf = (order: ReplicaOrder): Server => order.launch.runtime as Server;

  test('is what it says, unless a command is declared', () => {
    const given = (order: ReplicaOrder) => serverOf(withImage(order, facts) as ReplicaOrder).command;
    assert.deepEqual(given(inImage()), ['serve', '--all']);
    assert.deepEqual(given(inImage({ command: ['other'] })), ['other']);
  });

  test('gets the variables that would have changed the runner, unless they are declared', () => {
    const env = (order: ReplicaOrder) => serverOf(withImage(order, facts) as ReplicaOrder).env;
    assert.deepEqual(env(inImage()), { LD_PRELOAD: '/tcmalloc.so' });
    assert.deepEqual(env(inImage({ env: { LD_PRELOAD: '' } })), { LD_PRELOAD: '' });
  });

  test('is said to be unknown where there is neither image nor command, and to be nothing where it is nothing', () => {
    const lacks = (told: Parameters<typeof withImage>[1]) => (withImage(inImage(), told) as { lacks: string }).lacks;
    assert.match(lacks(undefined), /no image models\/churn:3, .*expected server\.command/);
    assert.match(lacks({ ...facts, starts: [] }), /starts nothing by itself .*expected server\.command/);
    assert.ok('launch' in withImage(inImage({ command: ['serve'] }), undefined), 'a command needs no image here');
  });
});

describe('the tools', () => {
  const node = (id: string, state = 'ready') => ({
    id,
    name: id,
    state,
    availability: 'active',
  });
  const task = (nodeId: string, state: string, error?: string) => ({ nodeId, state, error, message: '' });
  const stateOf = (tasks: readonly object[], nodes: readonly object[]) =>
    toolsState(tasks as SwarmTask[], nodes as Parameters<typeof toolsState>[1]);

  test('are put on every node once, by root without rights', () => {
    const { Mode, TaskTemplate } = toolsSpec(platform);
    const { User, CapabilityDrop, ReadOnly } = TaskTemplate['ContainerSpec'] as Record<string, unknown>;
    assert.deepEqual([Mode, User, CapabilityDrop, ReadOnly], [{ Global: {} }, '0:0', ['ALL'], true]);
  });

  test('are there, on their way or failed, node by node; a node that is down is not waited for', () => {
    const rejected = task('c', 'rejected', 'No such image: flyball:1');
    assert.deepEqual(
      stateOf(
        [task('a', 'failed'), task('a', 'complete'), task('b', 'running'), rejected, rejected, rejected, rejected],
        [node('a'), node('b'), node('c'), node('d', 'down')],
      ),
      { done: ['a'], waiting: ['b'], failed: ['c: No such image: flyball:1'] },
    );
    assert.deepEqual(stateOf([rejected], [node('c')]).waiting, ['c: No such image: flyball:1']);
  });

  test('are missed where the loader is not found, and not where a file of the server is not', () => {
    const found = (path: string): boolean => lacksTools(`exec: "${path}": stat ${path}: no such file or directory`);
    assert.deepEqual([found('/flyball/tools/1/loader'), found('/opt/model')], [true, false]);
    assert.deepEqual([lacksTools('exit code 127 on node1'), lacksTools('exit code 1 on node1')], [true, false]);
  });
});
