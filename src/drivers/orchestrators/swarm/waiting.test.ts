import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterNode } from '../../../core/placement/node.ts';
import { orderOf } from '../../../testing/lone-replica.ts';
import { newTask } from '../../../testing/swarm-task.ts';
import { newGroup, type Group } from './group.ts';
import { lacksPlace, lookAtWaiting, waitForTask } from './waiting.ts';

const node = (cores: number): ClusterNode => ({
  id: 'n1',
  name: 'n1',
  address: '10.0.0.1',
  role: 'worker',
  state: 'ready',
  availability: 'active',
  labels: {},
  whole: { cores, memoryBytes: 1e9, generic: {} },
  reserved: { cores: 0, memoryBytes: 0, generic: {} },
  tasks: {},
});

/** Somebody waits for a replica whose task has no node; `error`: what the managers say of it. */
async function play(error: string | undefined, nodes: readonly ClusterNode[] | undefined): Promise<string> {
  const group: Group = newGroup('s', 'd', 'k');
  const order = { ...orderOf('a'), resources: { cpu: 64 } };
  const waiting = waitForTask(group, order, 0, new AbortController().signal, () => {});
  group.tasks = [newTask('t1', { state: 'pending', nodeId: undefined, error })];
  group.roster = { ...group.roster, replicas: new Map([['a', 't1']]) };
  let at = 0;
  for (; group.waiting.size > 0 && at < 120_000; at += 500)
    lookAtWaiting(group, lacksPlace(group, at) ? nodes : undefined, at);
  const outcome = await waiting;
  return `${(at - 500) / 1000} s: ${'failure' in outcome ? outcome.failure : 'a task'}`;
}

test('a task without a node is given up with the managers’ words, and with what each node has', async () => {
  const said = 'no suitable node (insufficient resources on 1 node)';
  assert.equal(
    await play(said, [node(2)]),
    `2.5 s: no node has room for it: n1 has 2 cores in all, 64 asked for; the engine says: ${said}`,
  );
  assert.equal(await play(said, undefined), `2.5 s: no node has room for it: the engine says: ${said}`);
});

test('where the managers say nothing, the arithmetic of room does', async () => {
  assert.equal(await play(undefined, [node(2)]), '2.5 s: no node has room for it: n1 has 2 cores in all, 64 asked for');
});

test('one that has room and still is given no node is waited for longer, and given up all the same', async () => {
  const words = '20.5 s: the managers gave it no node within 20 s, and do not say why';
  assert.equal(await play(undefined, [node(128)]), words);
  assert.equal(await play(undefined, undefined), words);
});
