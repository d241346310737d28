import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterLoss } from './after-loss.ts';
import { chooseReplica, slowFactor, slowTrialEvery, type Candidate } from './choose-replica.ts';
import { judge, overdueAfterMs, silentMsMax, type Evidence, type Verdict } from './hang.ts';
import { evenPace, learnPace } from './pace.ts';
import { afterFailure, afterSuccess, healthAt, healthy, type ReplicaHealth } from './replica-health.ts';

const replica = (fields: Partial<Candidate> = {}): Candidate => ({
  health: healthy,
  outstandingCalls: 0,
  outstandingRows: 0,
  lastUsed: 0,
  pace: 1,
  overdue: false,
  ...fields,
});

const choose = (all: readonly Candidate[], depth: number, waiting = 0, uses = 0): Candidate | undefined =>
  chooseReplica(all, { depth, waiting, uses });

const ejected: ReplicaHealth = { kind: 'ejected', until: 1000, ejections: 1 };

test('the call goes to the replica with the least outstanding work, the longest unused among equals', () => {
  const [busy, recent, rested] = [replica({ outstandingCalls: 1 }), replica({ lastUsed: 9 }), replica({ lastUsed: 4 })];
  assert.equal(choose([busy, recent, rested], 2), rested);
  assert.equal(choose([busy], 1), undefined);
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
  assert.equal(choose([replica({ health: trial, outstandingCalls: 1 })], 2), undefined);
});

test('an ejected replica is passed over, unless all are ejected', () => {
  const [bad, good] = [replica({ health: ejected }), replica({ outstandingCalls: 1 })];
  assert.equal(choose([bad, good], 2), good);
  assert.equal(choose([bad, good], 1), undefined);
  assert.equal(choose([bad], 1), bad);
});

test('one whose work is overdue gets no more, even when it is the only one', () => {
  const [stuck, busy] = [
    replica({ outstandingCalls: 1, overdue: true }),
    replica({ outstandingCalls: 1, lastUsed: 9 }),
  ];
  assert.equal(choose([stuck, busy], 2), busy);
  assert.equal(choose([stuck], 2), undefined);
  const slow = replica({ pace: 9 });
  assert.equal(choose([{ ...stuck, overdue: false }, slow], 1), undefined, 'the quick one will be free sooner');
  assert.equal(choose([stuck, slow], 1), slow, 'it was quick');
  assert.equal(choose([{ ...stuck, health: ejected }], 2), undefined);
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
  pace: fc.constantFrom(1, 1, 1.5, 2),
  overdue: fc.boolean(),
});

test('the chosen one has room, and nobody sound with room has less to do', () => {
  fc.assert(
    fc.property(fc.array(anyReplica, { maxLength: 6 }), fc.integer({ min: 1, max: 2 }), (all, depth) => {
      const chosen = choose(all, depth);
      const roomy = all.filter((one) => one.health.kind === 'healthy' && one.outstandingCalls < depth && !one.overdue);
      if (chosen === undefined) return assert.equal(roomy.length, 0);
      assert.ok(chosen.outstandingCalls < depth && !chosen.overdue);
      for (const one of roomy) assert.ok(one.outstandingCalls >= chosen.outstandingCalls);
    }),
  );
});

test('a slow replica is passed over while the others can do what waits sooner, and tried now and then', () => {
  const [slow, busy] = [replica({ pace: 10 }), replica({ outstandingCalls: 1, lastUsed: 1 })];
  assert.equal(choose([slow, replica()], 1)?.pace, 1);
  assert.equal(choose([slow, busy], 1, 9), undefined);
  assert.equal(choose([slow, busy], 1, 10), slow);
  assert.equal(choose([slow, busy], 1, 0, slowTrialEvery), slow);
  assert.equal(choose([slow], 1), slow, 'alone it is as good as any');
});

test('when somebody sound has room and nobody gets the call, a faster one is at work and will ask again', () => {
  const any = fc.record({
    outstandingCalls: fc.nat(2),
    lastUsed: fc.nat(9),
    pace: fc.double({ min: 0.01, max: 20, noNaN: true }),
  });
  fc.assert(
    fc.property(
      fc.array(any, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 2 }),
      fc.nat(40),
      (wishes, depth, waiting) => {
        const all = wishes.map(replica);
        const chosen = choose(all, depth, waiting, 10);
        const roomy = all.filter((one) => one.outstandingCalls < depth);
        if (chosen !== undefined) return assert.ok(roomy.includes(chosen));
        for (const one of roomy)
          assert.ok(all.some((other) => other.pace * slowFactor < one.pace && other.outstandingCalls >= depth));
      },
    ),
  );
});

test('a pace follows what calls took, within bounds, and what teaches nothing leaves it', () => {
  let pace = evenPace;
  for (let call = 0; call < 30; call += 1) pace = learnPace(pace, 50, 10);
  assert.ok(Math.abs(pace - 5) < 0.1, `${pace}`);
  assert.equal(learnPace(pace, 50, undefined), pace);
  assert.equal(learnPace(pace, Number.NaN, 10), pace);
  assert.ok(learnPace(1, 1e9, 1) < 5, 'one stall');
});

const evidence = (fields: Partial<Evidence> = {}): Evidence => ({
  busyForMs: 0,
  expectedMs: 10,
  askedForMs: undefined,
  heardForMs: Infinity,
  ...fields,
});

test('late work alone is no hang: the replica is asked, and hangs when it says nothing', () => {
  assert.equal(judge(evidence({ busyForMs: overdueAfterMs(10) })), 'sound');
  assert.equal(judge(evidence({ busyForMs: overdueAfterMs(10) + 1 })), 'ask');
  assert.equal(judge(evidence({ busyForMs: 60_000, heardForMs: 10 })), 'sound', 'slow, and it says so');
  assert.equal(judge(evidence({ busyForMs: 60_000, askedForMs: silentMsMax - 1 })), 'sound');
  assert.equal(judge(evidence({ busyForMs: 60_000, askedForMs: silentMsMax })), 'hung');
});

test('a verdict only grows worse with time, and work without an estimate gets a second', () => {
  const rank: Readonly<Record<Verdict, number>> = { sound: 0, ask: 1, hung: 2 };
  const ms = fc.nat(20_000);
  fc.assert(
    fc.property(
      ms,
      ms,
      fc.option(ms, { nil: undefined }),
      fc.option(ms, { nil: undefined }),
      ms,
      (busyForMs, heardForMs, expectedMs, askedForMs, more) => {
        const now = judge({ busyForMs, expectedMs, askedForMs, heardForMs });
        const later = judge({
          busyForMs: busyForMs + more,
          expectedMs,
          askedForMs: askedForMs === undefined ? undefined : askedForMs + more,
          heardForMs: heardForMs + more,
        });
        assert.ok(rank[later] >= rank[now]);
        if (now === 'hung') assert.ok(askedForMs !== undefined, 'nobody is given up who was not asked');
      },
    ),
  );
  assert.equal(judge(evidence({ busyForMs: 999, expectedMs: undefined })), 'sound');
  assert.equal(judge(evidence({ busyForMs: 1001, expectedMs: undefined })), 'ask');
});
