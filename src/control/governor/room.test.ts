/** What the nodes have no room for is not asked for; whatever is not known bounds nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterNode } from '../../core/placement/node.ts';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import type { ClusterSeen } from '../nodes/cluster.ts';
import { roomOf } from './room.ts';

const calm: Load = { rate: 10, cpu: 0.5 };
const each = { cpu: 0.5 };
const order = { deployment: 'd', resources: each };

/** A node of one core with so many replicas of a half. */
const node = (name: string, tasks: number, more: Partial<ClusterNode> = {}): ClusterNode => ({
  id: name,
  name,
  address: '10.0.0.1',
  role: 'worker',
  state: 'ready',
  availability: 'active',
  labels: {},
  whole: { cores: 1, memoryBytes: 1024 ** 3, generic: {} },
  reserved: { cores: tasks / 2, memoryBytes: 0, generic: {} },
  tasks: { d: tasks },
  ...more,
});
const seen = (nodes: readonly ClusterNode[], at = 0): ClusterSeen => ({ nodes, at, wallMs: 0 });
const maxOf = (nodes: readonly ClusterNode[], replicas = 0, at = 0): number | undefined => {
  const found = { phase: 'ready' as const, stopping: false, address: { kind: 'unix' as const, path: '/r' } };
  return roomOf(
    seen(nodes),
    order,
    Array.from({ length: replicas }, () => found),
    at,
  )?.max;
};

test('the bound is what is there and what fits besides', () => {
  assert.equal(maxOf([node('a', 2), node('b', 1)], 3), 4);
  assert.equal(maxOf([node('a', 2), node('b', 1)], 0), 4, 'tasks that nobody here knows of yet are there');
  assert.equal(maxOf([node('a', 2), node('b', 2, { state: 'down' })], 2), 2, 'those of a node that is down are not');
  assert.equal(maxOf([node('a', 2), node('b', 2, { state: 'down' })], 4), 4, 'unless they still speak');
  assert.equal(maxOf([node('a', 0, { availability: 'drain' })]), 0);
});

test('what is not known bounds nothing: a cluster that is silent, a node of unknown state, no cluster', () => {
  assert.equal(roomOf(undefined, order, [], 0), undefined);
  assert.equal(maxOf([node('a', 2)], 2, 10_001), undefined);
  assert.equal(maxOf([node('a', 2), node('b', 0, { state: 'unknown' })], 2), undefined);
  assert.equal(roomOf(seen([node('a', 2)]), { ...order, resources: {} }, [], 0), undefined);
});

test('the target is cut to what the nodes have room for, says why, and grows with them', async () => {
  let extra = 0;
  let down = false;
  await using world = await governedWorld(
    { mode: 'auto', modeReason: 'a test', policy: 'fixed', parameters: { count: 6 } },
    {
      cluster: {
        seen() {
          const { desired } = world.deployment.record;
          // The engine places what is wanted, evenly, as far as it goes.
          const names = ['a', 'b', 'c'].slice(0, 2 + extra).filter((name) => name !== 'b' || !down);
          const nodes = names.map((name, index) =>
            node(name, Math.min(2, Math.ceil(Math.max(0, desired - index) / names.length))),
          );
          if (down) nodes.push(node('b', 0, { state: 'down' }));
          return { ...seen(nodes, world.clock.now()) };
        },
      },
    },
  );
  const { record } = world.deployment;
  world.deployment.record = {
    ...record,
    specification: { ...record.specification, resources: { ...record.specification.resources, ...each } },
  };
  const own = () => world.governor().of('d')?.last;
  await world.pass(5, calm);
  assert.equal(world.target, 4);
  assert.deepEqual(own()?.thought.describe().cuts, [
    {
      stage: 'room',
      from: 6,
      to: 4,
      reason: 'no node has room for a 5th: a is full, 0 of 1 cores free; b is full, 0 of 1 cores free',
    },
  ]);
  assert.deepEqual([own()?.done.kind, own()?.room?.max], ['held', 4]);
  down = true;
  await world.pass(3, calm);
  assert.equal(world.target, 2, 'what was on a node that is down has no other place');
  assert.match(
    String(own()?.thought.describe().cuts[0]?.reason),
    /^no node has room for a 3rd: a is full.*; b is down$/,
  );
  down = false;
  extra = 1;
  await world.pass(5, calm);
  assert.equal(world.target, 6, 'with the room comes what is wanted');
  assert.deepEqual(own()?.thought.describe().cuts, []);
  const moves = await world.store.journal({ subject: 'd', kind: 'decision', limit: 100 });
  assert.deepEqual(
    moves.map(({ action }) => action),
    ['1 → 4', '4 → 2', '2 → 6'],
  );
});
