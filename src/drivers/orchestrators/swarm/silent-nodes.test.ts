import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newTask } from '../../../testing/swarm-task.ts';
import { heldReplicas, passOver, readPorts, review, writePorts, type Roster } from './roster.ts';

const roster = (...replicas: readonly (readonly [string, string])[]): Roster => ({
  replicas: new Map(replicas),
  lost: new Set(),
});

test('a task that runs on a node that the managers do not reach stays its replica’s, and what replaces it is free', () => {
  const tasks = [newTask('old', { desired: 'shutdown' }), newTask('new', { nodeId: 'n2' })];
  const unreached = new Set(['n1']);
  const { roster: left, ended, free } = review(roster(['a', 'old']), tasks, unreached);
  assert.deepEqual([...left.replicas], [['a', 'old']]);
  assert.deepEqual(ended, []);
  assert.deepEqual(
    free.map(({ id }) => id),
    ['new'],
  );
  // Once the node can be told, it is told: the replica ends, and the next one has a task that runs.
  const after = review(roster(['a', 'old']), tasks);
  assert.deepEqual(
    after.ended.map(({ replica, byEngine }) => [replica, byEngine]),
    [['a', true]],
  );
});

test('one that never came to run there is not waited for', () => {
  const tasks = [newTask('old', { desired: 'shutdown', state: 'assigned' })];
  const { ended } = review(roster(['a', 'old']), tasks, new Set(['n1']));
  assert.deepEqual(
    ended.map(({ replica }) => replica),
    ['a'],
  );
});

test('a replica that waits for a task of a silent node gets another, and there is an end to it', () => {
  let now: Roster = roster(['a', 't0'], ['b', 't1']);
  const made = [newTask('t0'), newTask('t1')];
  for (let round = 0; round < 10; round += 1) {
    now = passOver(now, 'a');
    made.push(newTask(`next-${round}`));
    now = review(now, made).roster;
    assert.equal(now.replicas.size, 2);
  }
  assert.equal(heldReplicas(now), 5);
});

test('the port of a task is remembered while a replica has it', () => {
  const ports = new Map([
    ['t0', 32_768],
    ['t1', 32_769],
  ]);
  assert.deepEqual(readPorts(writePorts(roster(['a', 't0'], ['b', 't2']), ports)), new Map([['t0', 32_768]]));
  assert.deepEqual(readPorts('somebody’s own words'), new Map());
});
