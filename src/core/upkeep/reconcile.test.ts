import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, replica } from '../../testing/upkeep-seen.ts';
import { noteFailure, noteRejection, type Failure } from './failures.ts';
import { reconcile } from './reconcile.ts';
import type { DeploymentSeen } from './seen.ts';

const kinds = (seen: DeploymentSeen, at = 0): readonly string[] =>
  reconcile(seen, at).actions.map((action) =>
    action.kind === 'start'
      ? `start ${action.count} ${action.template}`
      : action.kind === 'switch' || action.kind === 'revert'
        ? `${action.kind} ${action.template}`
        : action.kind === 'forget'
          ? 'forget'
          : `${action.kind} ${action.replica}`,
  );

test('an empty deployment is filled up to what is wanted', () => {
  assert.deepEqual(kinds(base), ['start 2 1/a']);
  assert.equal(reconcile(base, 0).state, 'starting');
});

test('the first ready replica begins to serve', () => {
  const seen = { ...base, replicas: [replica('a', '1/a', 'ready'), replica('b', '1/a', 'starting')] };
  assert.deepEqual(kinds(seen), ['switch 1/a']);
});

test('an update starts the new version beside the old and leaves the old alone', () => {
  const seen = {
    ...base,
    serving: '1/a',
    target: '2/b',
    replicas: [replica('a', '1/a', 'ready'), replica('b', '1/a', 'ready')],
  };
  assert.deepEqual(kinds(seen), ['start 2 2/b']);
  assert.equal(reconcile(seen, 0).state, 'updating');
});

test('an update switches only when as many new ones are ready as served before, then the old drain', () => {
  const replicas = [replica('a', '1/a', 'ready'), replica('b', '1/a', 'ready'), replica('c', '2/b', 'ready')];
  const seen = { ...base, serving: '1/a', target: '2/b' };
  assert.deepEqual(kinds({ ...seen, replicas: [...replicas, replica('d', '2/b', 'starting')] }), []);
  assert.deepEqual(kinds({ ...seen, replicas: [...replicas, replica('d', '2/b', 'ready')] }), [
    'switch 2/b',
    'drain a',
    'drain b',
  ]);
});

test('a version that cannot load never replaces the good one, is tried one at a time, and says why', () => {
  const failures = new Map([
    ['2/b', noteFailure(undefined, { kind: 'load', at: 0, readyForMs: 0, reason: 'Op Foo is not registered' })],
  ]);
  const seen = { ...base, serving: '1/a', target: '2/b', failures, replicas: [replica('a', '1/a', 'ready')] };
  const now = reconcile(seen, 10);
  assert.equal(now.state, 'degraded');
  assert.match(
    now.reason ?? '',
    /version 2 failed to load: Op Foo is not registered \(trying again in 1 s\); version 1 keeps serving/,
  );
  assert.equal(now.wakeAt, 1000);
  // The old fleet is kept whole meanwhile.
  assert.deepEqual(kinds(seen, 10), ['start 1 1/a']);
  assert.deepEqual(kinds(seen, 1000), ['start 1 2/b', 'start 1 1/a']);
});

test('a replica that failed to load is ended', () => {
  assert.deepEqual(kinds({ ...base, asleep: true, replicas: [replica('a', '1/a', 'failed')] }).slice(0, 1), ['stop a']);
});

test('scaling in gives up what is starting first, then the idle, then the youngest', () => {
  const replicas = [
    replica('old', '1/a', 'ready', { startedAt: 1 }),
    replica('young', '1/a', 'ready', { startedAt: 9 }),
    replica('busy', '1/a', 'ready', { startedAt: 10, outstanding: 3 }),
    replica('new', '1/a', 'starting', { startedAt: 11 }),
  ];
  assert.deepEqual(kinds({ ...base, desired: 1, serving: '1/a', replicas }), ['stop new', 'drain young', 'drain old']);
});

test('a drained replica is stopped when every gateway has confirmed, or when the time is up', () => {
  const drain = (drained: boolean): DeploymentSeen => ({
    ...base,
    asleep: true,
    serving: '1/a',
    replicas: [{ ...replica('a', '1/a', 'draining'), phase: { kind: 'draining', since: 0, drained } }],
  });
  assert.deepEqual(kinds(drain(true), 1), ['stop a']);
  assert.deepEqual(kinds(drain(false), 999), []);
  assert.equal(reconcile(drain(false), 999).wakeAt, 1000);
  assert.deepEqual(kinds(drain(false), 1000), ['stop a']);
});

test('what served before is kept until its successor has lived, and no longer', () => {
  const reserve = { template: '1/a', until: 5000 };
  const drained = {
    ...replica('a', '1/a', 'draining'),
    phase: { kind: 'draining', since: 0, drained: true } as const,
  };
  const seen = { ...base, desired: 1, serving: '2/b', target: '2/b', reserve };
  const replicas = [drained, replica('b', '2/b', 'ready')];
  assert.deepEqual(kinds({ ...seen, replicas }, 4999), []);
  assert.equal(reconcile({ ...seen, replicas }, 4999).wakeAt, 5000);
  assert.deepEqual(kinds({ ...seen, replicas }, 5000), ['stop a']);
  assert.deepEqual(kinds({ ...seen, removing: true, replicas }, 0), ['stop a', 'drain b']);
});

test('a version that ends soon after taking over gives way to the one before, and is not tried again by itself', () => {
  const death = noteFailure(undefined, { kind: 'death', at: 100, readyForMs: 90, reason: 'exit code 134' });
  const reserve = { template: '1/a', until: 5000 };
  const seen = {
    ...base,
    desired: 1,
    serving: '2/b',
    target: '2/b',
    reserve,
    replicas: [replica('a', '1/a', 'draining')],
  };
  const before = { ...seen, failures: new Map([['2/b', death]]) };
  assert.deepEqual(kinds(before, 101), ['restore a', 'revert 1/a']);
  // Later it is one that has lived, and is replaced like any other.
  assert.deepEqual(kinds(before, 5000), ['stop a', 'start 1 2/b']);
  const after = {
    ...base,
    desired: 1,
    serving: '1/a',
    target: '2/b',
    failures: new Map([['2/b', noteRejection(death, 101)]]),
    replicas: [replica('a', '1/a', 'ready'), replica('c', '2/b', 'starting'), replica('d', '2/b', 'ready')],
  };
  assert.deepEqual(kinds(after, 9_999_999), ['stop c', 'drain d']);
  assert.match(
    reconcile(after, 9_999_999).reason ?? '',
    /exit code 134 \(not tried again until.*version 1 keeps serving/,
  );
});

test('one replica of several that ends soon after taking over is no reason to go back, three deaths are', () => {
  const reserve = { template: '1/a', until: 5000 };
  const replicas = [replica('a', '1/a', 'draining'), replica('b', '2/b', 'ready')];
  const seen = { ...base, desired: 2, serving: '2/b', target: '2/b', reserve, replicas };
  const failureOf = (count: number): Failure => ({ kind: 'death', count, lastAt: 100, reason: 'exit code 134' });
  assert.deepEqual(kinds({ ...seen, failures: new Map([['2/b', failureOf(1)]]) }, 101), ['start 1 2/b']);
  assert.deepEqual(kinds({ ...seen, failures: new Map([['2/b', failureOf(3)]]) }, 101), ['restore a', 'revert 1/a']);
});

test('a removed deployment drains everything and is forgotten when nothing is left', () => {
  const seen = { ...base, removing: true, min: 2, serving: '1/a', replicas: [replica('a', '1/a', 'ready')] };
  assert.deepEqual(kinds(seen), ['drain a']);
  assert.deepEqual(kinds({ ...seen, replicas: [] }), ['forget']);
});

test('one that sleeps gives its replicas back, and is still what serves', () => {
  const seen = { ...base, desired: 1, serving: '1/a', asleep: true, replicas: [replica('a', '1/a', 'ready')] };
  assert.deepEqual(kinds(seen), ['drain a']);
  const upkeep = reconcile({ ...seen, replicas: [] }, 0);
  assert.deepEqual([upkeep.actions, upkeep.state, upkeep.callers], [[], 'asleep', 'wait']);
});

test('one that was never awake serves its version at once: there is nothing to lose', () => {
  assert.deepEqual(kinds({ ...base, asleep: true }), ['switch 1/a']);
});

test('one that is awake has a replica although none was asked for by name', () => {
  assert.deepEqual(kinds({ ...base, desired: 0, serving: '1/a', waiting: 3 }), ['start 1 1/a']);
  assert.equal(
    reconcile({ ...base, desired: 0, serving: '1/a', waiting: 3 }, 0).actions[0]?.reason,
    '3 requests wait for it',
  );
});

test('a start is awaited only where somebody waits for what has served before and nothing else is there', () => {
  const awaited = (more: Partial<DeploymentSeen>): unknown => {
    const start = reconcile({ ...base, min: 0, desired: 1, serving: '1/a', ...more }, 0).actions.find(
      ({ kind }) => kind === 'start',
    );
    return start?.kind === 'start' ? (start.awaited ?? false) : 'no start';
  };
  assert.equal(awaited({ waiting: 1 }), true);
  assert.equal(awaited({ waiting: 0 }), false);
  assert.equal(awaited({ waiting: 1, min: 1 }), false);
  assert.equal(awaited({ waiting: 1, serving: '0/z' }), false, 'a version that has to prove itself');
  const beside = { desired: 2, max: 2, replicas: [replica('a', '1/a', 'ready')] };
  assert.equal(awaited({ waiting: 1, ...beside }), false);
  const death: Failure = { kind: 'death', count: 1, lastAt: -100_000, reason: 'exit code 134' };
  assert.equal(awaited({ waiting: 1, failures: new Map([['1/a', death]]) }), false, 'its last one died');
});

test('a replica that drains is recalled when it is needed again, also a drained one, but not one that ends by itself', () => {
  const draining = (restorable: boolean, drained: boolean): DeploymentSeen => ({
    ...base,
    desired: 1,
    serving: '1/a',
    waiting: 1,
    replicas: [{ ...replica('a', '1/a', 'draining'), phase: { kind: 'draining', since: 0, drained, restorable } }],
  });
  assert.deepEqual(kinds(draining(true, false)), ['restore a']);
  assert.deepEqual(kinds(draining(true, true)), ['restore a']);
  assert.deepEqual(kinds(draining(false, true)), ['stop a', 'start 1 1/a']);
});

test('a version that was never loaded does not take the place of one that sleeps', () => {
  const seen = { ...base, serving: '1/a', target: '2/b', asleep: true };
  assert.deepEqual(kinds(seen), []);
  assert.deepEqual(kinds({ ...seen, asleep: false, desired: 1 }), ['start 1 2/b']);
});

test('who waits is told when nobody can come: the runtime said so, or it was tried twice', () => {
  const failed = (told: boolean, times: number): DeploymentSeen => {
    let failure: Failure | undefined;
    for (let n = 0; n < times; n++)
      failure = noteFailure(failure, { kind: 'load', told, at: 0, readyForMs: 0, reason: 'words' });
    return { ...base, serving: '1/a', failures: new Map([['1/a', failure as Failure]]) };
  };
  assert.equal(reconcile(failed(true, 1), 10).callers, 'fail');
  assert.equal(reconcile(failed(false, 1), 10).callers, 'refuse');
  assert.equal(reconcile(failed(false, 2), 10).callers, 'fail');
  assert.equal(reconcile(failed(true, 1), 1000).callers, 'wait', 'the next try is under way');
  assert.equal(reconcile({ ...failed(true, 1), asleep: true }, 10).state, 'failed');
});

test('an update that was superseded leaves nothing of itself behind', () => {
  const replicas = [
    replica('a', '1/a', 'ready'),
    replica('b', '2/b', 'ready'),
    replica('c', '2/b', 'starting'),
    replica('d', '3/c', 'starting'),
    replica('e', '3/c', 'starting'),
  ];
  assert.deepEqual(kinds({ ...base, serving: '1/a', target: '3/c', replicas }), ['drain b', 'stop c']);
});
