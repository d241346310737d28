import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newTask } from '../../../testing/swarm-task.ts';
import { lookAtEnds } from './endings.ts';
import { newGroup, type Group, type StartOutcome } from './group.ts';
import { heldReplicas, order, review } from './roster.ts';

const time = (now: number) => ({ at: now, now });
const groupOf = (more: Partial<Group>): Group => ({ ...newGroup('s', 'd', 'k'), ...more });

test('a task that was given up and that the managers still hold counts for half a minute, and may then be had again', () => {
  const group = groupOf({
    roster: { replicas: new Map([['b', 't2']]), lost: new Set(['t1']) },
    lostSince: new Map([['t1', 0]]),
    tasks: [newTask('t1'), newTask('t2', { slot: 2 })],
  });
  lookAtEnds(group, new Set(), time(30_000));
  assert.equal(heldReplicas(group.roster), 2, 'it is not known to be of use, and nobody is ended for it');
  lookAtEnds(group, new Set(), time(30_001));
  assert.equal(heldReplicas(group.roster), 1);
  const { roster } = review(order(group.roster, 'c'), group.tasks);
  assert.equal(roster.replicas.get('c'), 't1');
});

test('the place of one that never ran is kept only where others could be ended for it', () => {
  const rejected = newTask('t1', { state: 'rejected', desired: 'shutdown' });
  const { promise: outcome, resolve: settle } = Promise.withResolvers<StartOutcome>();
  const waiting = new Map([['a', { since: 0, outcome, settle }]]);
  const alone = groupOf({ roster: { replicas: new Map([['a', 't1']]), lost: new Set() }, tasks: [rejected], waiting });
  assert.equal(lookAtEnds(alone, new Set(), time(0)).length, 1);
  assert.deepEqual(alone.vacancies, []);
  const beside = groupOf({
    roster: {
      replicas: new Map([
        ['a', 't1'],
        ['b', 't2'],
      ]),
      lost: new Set(),
    },
    tasks: [rejected, newTask('t2', { slot: 2 })],
    waiting: new Map(waiting),
  });
  assert.equal(lookAtEnds(beside, new Set(), time(0)).length, 1);
  assert.equal(beside.vacancies.length, 1);
});
