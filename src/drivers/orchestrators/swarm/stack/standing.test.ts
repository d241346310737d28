import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { SwarmTask, TaskState } from '../engine.ts';
import { hindranceIn } from './manager.ts';
import { stackLabels } from './order.ts';
import { isGivenUp, standingOf } from './standing.ts';

const task = (id: string, nodeId: string | undefined, state: TaskState, more: Partial<SwarmTask> = {}): SwarmTask => ({
  id,
  serviceId: 's',
  slot: 0,
  nodeId,
  desired: state === 'running' ? 'running' : 'shutdown',
  state,
  message: '',
  error: undefined,
  exitCode: undefined,
  ports: {},
  labels: { [stackLabels.order]: 'new' },
  ...more,
});
const nobody = new Set<string>();

describe('how far a service is on its way', () => {
  test('only tasks of the newest order count', () => {
    const old = task('1', 'a', 'running', { labels: { [stackLabels.order]: 'old' } });
    assert.deepEqual(standingOf([old], 'new', nobody), { up: [], troubles: [], isMakingRoom: false });
    assert.deepEqual(standingOf([old, task('2', 'b', 'running')], 'new', nobody).up, ['b']);
  });

  test('a port that is taken is told in the engine’s words, and given up after a while', () => {
    const error = 'no suitable node (host-mode port already in use on 1 node)';
    const waiting = task('1', undefined, 'pending', { desired: 'running', error });
    const [trouble] = standingOf([waiting], 'new', nobody).troubles;
    assert.equal(trouble?.why, error);
    assert.ok(trouble !== undefined && !isGivenUp(trouble, 1000) && isGivenUp(trouble, 60_000));
  });

  test('a task of before that is finishing what it has is said to make room', () => {
    const ending = task('1', 'a', 'running', { desired: 'shutdown', labels: { [stackLabels.order]: 'old' } });
    assert.equal(standingOf([ending], 'new', nobody).isMakingRoom, true);
    assert.equal(standingOf([task('2', 'a', 'running')], 'new', nobody).isMakingRoom, false);
  });

  test('ends of before are nobody’s news; three of now are one trouble that is given up', () => {
    const ends = ['1', '2', '3'].map((id) => task(id, 'a', 'failed', { exitCode: 2 }));
    const [two] = standingOf(ends, 'new', new Set(['1'])).troubles;
    assert.deepEqual([two?.failures, two?.why], [2, 'exit code 2']);
    const [three] = standingOf(ends, 'new', nobody).troubles;
    assert.ok(two !== undefined && !isGivenUp(two, 60_000) && three !== undefined && isGivenUp(three, 0));
  });

  test('a node on which one runs is in no trouble, whatever has ended there', () => {
    const states: TaskState[] = ['failed', 'rejected', 'complete', 'running', 'pending', 'starting'];
    const tasks = fc.array(
      fc.record({ node: fc.constantFrom('a', 'b', 'c'), state: fc.constantFrom(...states), id: fc.uuid() }),
    );
    fc.assert(
      fc.property(tasks, (all) => {
        const { up, troubles } = standingOf(
          all.map(({ id, node, state }) => task(id, node, state)),
          'new',
          nobody,
        );
        return troubles.every(({ nodeId }) => nodeId === undefined || !up.includes(nodeId));
      }),
    );
  });
});

test('an engine that takes no orders says what it is', () => {
  assert.equal(hindranceIn({ LocalNodeState: 'active', ControlAvailable: true }), undefined);
  assert.match(hindranceIn({ LocalNodeState: 'inactive' }) ?? '', /docker swarm init/);
  assert.match(
    hindranceIn({ LocalNodeState: 'active', ControlAvailable: false, RemoteManagers: [{ Addr: '10.0.0.1:2377' }] }) ??
      '',
    /a worker of a Swarm, whose managers are 10\.0\.0\.1:2377/,
  );
  assert.match(hindranceIn({ LocalNodeState: 'locked' }) ?? '', /unlock/);
});
