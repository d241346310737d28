/** Ray Serve, KEDA and AWS as policies: a fleet that follows at once, one second a step. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePolicy } from './list.ts';
import { run, type Proposal } from '../policy.ts';
import { absent, fresh } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';
import type { Signals } from '../observation.ts';

function follow(name: string, parameters: Record<string, unknown>, start: number, min = 1) {
  const made = makePolicy(name, parameters);
  assert.ok(made.kind === 'made', JSON.stringify(made));
  const policy = run(made.policy, observe({ fleet: { target: start }, min }), 0);
  let target = start;
  let second = 0;
  return (signals: Partial<Signals>, seconds: number): Proposal => {
    let proposal: Proposal | undefined;
    for (const end = second + seconds; second < end;) {
      second += 1;
      proposal = policy.step(observe({ fleet: { target }, min, signals }), second * 1000);
      target = proposal.target;
    }
    assert.ok(proposal !== undefined);
    return proposal;
  };
}

test('ray: a higher wish has to last 30 s, a lower one 600 s', () => {
  const go = follow('ray', {}, 2);
  assert.equal(go({ inFlight: fresh(12) }, 30).target, 2);
  assert.equal(go({ inFlight: fresh(12) }, 2).target, 6);
  assert.equal(go({ inFlight: fresh(2) }, 600).target, 6);
  assert.match(
    go({ inFlight: fresh(2) }, 1).reason(),
    /2\.0 requests over 6 running at 2 each, a lower wish has to last/,
  );
  assert.equal(go({ inFlight: fresh(2) }, 40).target, 1);
});

test('keda: it wakes when it is active and goes to zero after the cooldown', () => {
  const go = follow('keda', { threshold: 2 }, 0, 0);
  assert.equal(go({}, 10).target, 0);
  assert.equal(go({ inFlight: fresh(6) }, 1).target, 1);
  assert.equal(go({ inFlight: fresh(6) }, 120).target, 3);
  assert.equal(go({}, 60 + 290).target, 1);
  const asleep = go({}, 60);
  assert.deepEqual([asleep.target, asleep.reason()], [0, 'inactive for 300 s']);
});

test('keda: past its failure threshold the fallback stands in, and only to raise', () => {
  const dead = { inFlight: absent };
  const go = follow('keda', { fallbackReplicas: 6 }, 2);
  assert.equal(go({ inFlight: fresh(2) }, 60).target, 2);
  assert.equal(go(dead, 80).target, 2);
  const standing = go(dead, 60);
  assert.equal(standing.target, 6);
  assert.match(standing.reason(), /5 reads failed \(what runs is not known\): the fallback stands for 6/);
  const high = follow('keda', { fallbackReplicas: 1 }, 5);
  assert.equal(high(dead, 600).target, 5);
});

test('aws-target: three minutes above scale out in proportion, fifteen below 90 % scale in', () => {
  const go = follow('aws-target', {}, 4);
  assert.equal(go({ cpu: fresh(0.8) }, 179).target, 4);
  assert.equal(go({ cpu: fresh(0.8) }, 1).target, 7);
  assert.equal(go({ cpu: fresh(0.46) }, 1800).target, 7);
  assert.equal(go({ cpu: fresh(0.2) }, 15 * 60 - 60).target, 7);
  assert.equal(go({ cpu: fresh(0.2) }, 120).target, 3);
});

test('aws-target: an unknown minute breaks the row', () => {
  const go = follow('aws-target', {}, 4);
  go({ cpu: fresh(0.8) }, 130);
  go({ cpu: absent }, 1);
  assert.equal(go({ cpu: fresh(0.8) }, 180).target, 4);
  assert.equal(go({ cpu: fresh(0.8) }, 60).target, 7);
});

test('aws-step: further past the threshold changes more', () => {
  const go = follow('aws-step', {}, 10);
  assert.equal(go({ cpu: fresh(0.55) }, 60).target, 10);
  assert.equal(go({ cpu: fresh(0.6) }, 60).target, 11);
  assert.equal(go({ cpu: fresh(0.7) }, 61).target, 14);
  assert.equal(go({ cpu: fresh(0.4) }, 61).target, 13);
  assert.equal(go({ cpu: fresh(0.29) }, 61).target, 10);
});

test('a look in between counts for its part of the second: who looks twice wants no more than who looks once', () => {
  for (const name of ['keda', 'kpa', 'ray', 'hpa']) {
    const made = makePolicy(name, {});
    assert.ok(made.kind === 'made');
    const targetsOf = (looks: readonly number[]): number[] => {
      const fleet = { target: 4 };
      const policy = run(made.policy, observe({ fleet }), 0);
      const targets: number[] = [];
      let before = 0;
      for (let second = 0; second < 120; second += 1)
        for (const part of looks) {
          const at = second * 1000 + part;
          const spanMs = at - before;
          const signals = {
            arrivals: fresh((30 * spanMs) / 1000),
            inFlight: fresh(3),
            queued: fresh(3),
            cpu: fresh(0.8),
          };
          const { target } = policy.step(observe({ fleet, signals, spanMs }), at);
          if (part === 1000) targets.push(target);
          before = at;
        }
      return targets;
    };
    // The first seconds differ: an average of buckets begins where the first look fell.
    assert.deepEqual(targetsOf([300, 1000]).slice(60), targetsOf([1000]).slice(60), name);
  }
});
