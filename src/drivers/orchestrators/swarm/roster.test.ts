import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newTask } from '../../../testing/swarm-task.ts';
import type { TaskState } from './engine.ts';
import {
  emptyRoster,
  giveUp,
  heldReplicas,
  isAlive,
  order,
  readRoster,
  recall,
  remove,
  review,
  writeRoster,
  type Roster,
} from './roster.ts';

test('a replica that was ordered gets a task that is nobody’s, the one that is furthest on its way first', () => {
  const roster = order(order(emptyRoster, 'a'), 'b');
  const { roster: bound, free } = review(roster, [
    newTask('pending', { state: 'pending', slot: 1 }),
    newTask('running', { slot: 2 }),
    newTask('starting', { state: 'starting', slot: 3 }),
  ]);
  assert.deepEqual(
    [...bound.replicas],
    [
      ['a', 'running'],
      ['b', 'starting'],
    ],
  );
  assert.deepEqual(
    free.map(({ id }) => id),
    ['pending'],
  );
});

test('whether it failed or was ended is told apart', () => {
  const roster: Roster = {
    replicas: new Map([
      ['failed', 't1'],
      ['scaled in', 't2'],
      ['node down', 't3'],
      ['forgotten', 't4'],
      ['left in order', 't5'],
    ]),
    lost: new Set(),
  };
  const { ended, roster: left } = review(roster, [
    newTask('t1', { state: 'failed', desired: 'shutdown' }),
    newTask('t2', { state: 'shutdown', desired: 'remove' }),
    newTask('t3', { state: 'running', desired: 'shutdown' }),
    newTask('t5', { state: 'complete', desired: 'shutdown', exitCode: 0 }),
  ]);
  assert.deepEqual(
    ended.map(({ replica, byEngine }) => [replica, byEngine]),
    [
      ['failed', false],
      ['scaled in', true],
      ['node down', true],
      ['forgotten', true],
      ['left in order', false],
    ],
  );
  assert.equal(left.replicas.size, 0);
});

test('a task that was given up is counted until the engine sees it as well, and is never had by another meanwhile', () => {
  const bound = review(order(emptyRoster, 'a'), [newTask('t1')]).roster;
  const lost = giveUp(bound, 'a');
  assert.equal(heldReplicas(lost), 1);
  const again = review(order(lost, 'b'), [newTask('t1'), newTask('t2')]).roster;
  assert.equal(again.replicas.get('b'), 't2');
  assert.equal(heldReplicas(again), 2);
  const seen = review(again, [newTask('t1', { desired: 'shutdown' }), newTask('t2')]);
  assert.deepEqual(seen.ended, []);
  assert.equal(heldReplicas(seen.roster), 1);
  // Or the engine holds it after all: then it may be had again.
  const back = review(order(recall(again, new Set(['t1'])), 'c'), [newTask('t1'), newTask('t2')]).roster;
  assert.equal(back.replicas.get('c'), 't1');
});

test('a label that somebody has edited is no roster', () => {
  assert.deepEqual(readRoster('{"replicas":7}'), emptyRoster);
  assert.deepEqual(readRoster('nonsense'), emptyRoster);
  assert.deepEqual(readRoster(undefined), emptyRoster);
});

const states: readonly TaskState[] = ['new', 'pending', 'starting', 'running', 'failed', 'shutdown', 'complete'];
const tasks = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('t1', 't2', 't3', 't4', 't5'),
    state: fc.constantFrom(...states),
    desired: fc.constantFrom<TaskState>('running', 'ready', 'shutdown', 'remove'),
    slot: fc.nat(5),
  }),
  { selector: ({ id }) => id },
);
const step = fc.oneof(
  fc.record({ kind: fc.constant('order' as const), replica: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ kind: fc.constant('remove' as const), replica: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ kind: fc.constant('give up' as const), replica: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ kind: fc.constant('look' as const), tasks }),
);

test('whatever happens: one task is one replica’s at most, and a given-up one nobody’s; what is written is read', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let roster = emptyRoster;
      for (const each of steps) {
        if (each.kind === 'order') roster = order(roster, each.replica);
        else if (each.kind === 'remove') roster = remove(roster, each.replica);
        else if (each.kind === 'give up') roster = giveUp(roster, each.replica);
        else {
          const all = each.tasks.map(({ id, ...more }) => newTask(id, more));
          const reviewed = review(roster, all);
          const alive = new Set(all.filter(isAlive).map(({ id }) => id));
          const bound = [...reviewed.roster.replicas.values()].filter((id) => id !== undefined);
          assert.ok(bound.every((id) => alive.has(id)));
          const isLeftWithout = [...reviewed.roster.replicas.values()].includes(undefined);
          assert.ok(!isLeftWithout || reviewed.free.length === 0, 'somebody waits beside a free task');
          assert.equal(reviewed.ended.length + reviewed.roster.replicas.size, roster.replicas.size);
          roster = reviewed.roster;
        }
        const taken = [...roster.replicas.values()].filter((id) => id !== undefined);
        assert.equal(new Set(taken).size, taken.length);
        assert.ok(taken.every((id) => !roster.lost.has(id)));
        assert.deepEqual(readRoster(writeRoster(roster)), roster);
      }
    }),
  );
});
