import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterLoss } from './after-loss.ts';
import { chooseReplica, type Candidate } from './choose-replica.ts';
import { afterFailure, afterSuccess, healthAt, healthy, type ReplicaHealth } from './replica-health.ts';

const replica = (fields: Partial<Candidate> = {}): Candidate => ({
  health: healthy,
  outstandingCalls: 0,
  outstandingRows: 0,
  lastUsed: 0,
  ...fields,
});

const ejected: ReplicaHealth = { kind: 'ejected', until: 1000, ejections: 1 };

test('the call goes to the replica with the least outstanding work, the longest unused among equals', () => {
  const [busy, recent, rested] = [replica({ outstandingCalls: 1 }), replica({ lastUsed: 9 }), replica({ lastUsed: 4 })];
  assert.equal(chooseReplica([busy, recent, rested], 2), rested);
  assert.equal(chooseReplica([busy], 1), undefined);
});

test('three failures in a row eject, a success in between does not', () => {
  let health = afterFailure(afterFailure(healthy, 0), 0);
  assert.equal(afterSuccess(health), healthy);
  health = afterFailure(health, 0);
  assert.deepEqual(health, { kind: 'ejected', until: 1000, ejections: 1 });
});

test('after its back-off a replica gets one call on trial; a failure doubles the back-off, a success heals', () => {
  const trial = healthAt(ejected, 1000);
  assert.equal(healthAt(ejected, 999).kind, 'ejected');
  assert.equal(trial.kind, 'trial');
  assert.deepEqual(afterFailure(trial, 1000), { kind: 'ejected', until: 3000, ejections: 2 });
  assert.equal(afterSuccess(trial), healthy);
  assert.equal(chooseReplica([replica({ health: trial, outstandingCalls: 1 })], 2), undefined);
});

test('an ejected replica is passed over, unless all are ejected', () => {
  const [bad, good] = [replica({ health: ejected }), replica({ outstandingCalls: 1 })];
  assert.equal(chooseReplica([bad, good], 2), good);
  assert.equal(chooseReplica([bad, good], 1), undefined);
  assert.equal(chooseReplica([bad], 1), bad);
});

test('after a death each request runs again at most once, and at once fails when nobody else is there', () => {
  const [fresh, again] = [{ retried: false }, { retried: true }];
  assert.deepEqual(afterLoss([fresh, again], 1), { rerun: [fresh], failed: [again] });
  assert.deepEqual(afterLoss([fresh, again], 0), { rerun: [], failed: [fresh, again] });
});

const anyReplica = fc.record({
  health: fc.constantFrom<ReplicaHealth>(healthy, ejected, { kind: 'trial', ejections: 1 }),
  outstandingCalls: fc.nat(2),
  outstandingRows: fc.nat(9),
  lastUsed: fc.nat(9),
});

test('the chosen one has room, and nobody sound with room has less to do', () => {
  fc.assert(
    fc.property(fc.array(anyReplica, { maxLength: 6 }), fc.integer({ min: 1, max: 2 }), (all, depth) => {
      const chosen = chooseReplica(all, depth);
      const roomy = all.filter((one) => one.health.kind === 'healthy' && one.outstandingCalls < depth);
      if (chosen === undefined) return assert.equal(roomy.length, 0);
      assert.ok(chosen.outstandingCalls < depth);
      for (const one of roomy) assert.ok(one.outstandingCalls >= chosen.outstandingCalls);
    }),
  );
});
