import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newTask } from '../../../testing/swarm-task.ts';
import { lookAtEnds, recallMs } from './endings.ts';
import { newGroup, type Group } from './group.ts';
import { giveUp, order } from './roster.ts';

/** A service of these tasks; all but one are replicas that answer. */
function groupOf(...tasks: readonly string[]): Group {
  const group = newGroup('s', 'm', undefined);
  group.tasks = tasks.map((id, index) => newTask(id, { slot: index + 1 }));
  for (const id of tasks) group.roster = order(group.roster, `replica of ${id}`);
  look(group, 0);
  return group;
}
const look = (group: Group, now: number): unknown => lookAtEnds(group, new Set(), { at: now, now });

/** The replica of the task answers nothing at `since`; how long it is until another may have the task. */
function lostFor(group: Group, task: string, since: number): number {
  const [replica = ''] = [...group.roster.replicas].find(([, id]) => id === task) ?? [];
  group.roster = giveUp(group.roster, replica);
  group.lostSince.set(task, since);
  for (let now = since; ; now += 1000) {
    look(group, now);
    if (group.roster.lost.has(task)) continue;
    // It has the first who is ordered.
    const next = `next after ${since}`;
    group.roster = order(group.roster, next);
    look(group, now + 1);
    assert.equal(group.roster.replicas.get(next), task);
    return now - since;
  }
}

test('a task that was given up may be had again; one that hangs is tried more and more rarely', () => {
  const group = groupOf('answers', 'hangs');
  const waits = [0, 1e6, 2e6, 4e6, 8e6].map((since) => lostFor(group, 'hangs', since) / recallMs);
  assert.deepEqual(
    waits.map((wait) => Math.round(wait)),
    [1, 4, 16, 64, 120],
  );
});

test('it holds up the end of its service no longer than at the first time', () => {
  const group = groupOf('answers', 'hangs');
  lostFor(group, 'hangs', 0);
  for (const replica of group.roster.replicas.keys()) group.roster = giveUp(group.roster, replica);
  for (const task of group.roster.lost) group.lostSince.set(task, 1e6);
  look(group, 1e6 + recallMs);
  assert.equal(group.roster.lost.size, 2);
  look(group, 1e6 + recallMs + 1000);
  assert.equal(group.roster.lost.size, 0);
});
