import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePolicy } from './list.ts';
import { run, type RunningPolicy } from '../policy.ts';
import { absent, fresh } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';

function thresholds(): RunningPolicy {
  const made = makePolicy('thresholds', { sustainedSeconds: 60 });
  assert.ok(made.kind === 'made');
  return run(made.policy, observe(), 0);
}

const at = (cpu: number, fleet = {}) => observe({ fleet, signals: { cpu: fresh(cpu) } });

test('CPU above the upper threshold for the whole period adds one step, and only then', () => {
  const policy = thresholds();
  for (let second = 0; second < 60; second += 1) assert.equal(policy.step(at(0.9), second * 1000).target, 4);
  const proposal = policy.step(at(0.9), 60_000);
  assert.equal(proposal.target, 5);
  assert.equal(proposal.reason(), 'CPU is at 90 %, above 80 % for 60 s');
});

test('one second inside the band starts the period anew', () => {
  const policy = thresholds();
  policy.step(at(0.9), 0);
  policy.step(at(0.7), 30_000);
  policy.step(at(0.9), 31_000);
  assert.equal(policy.step(at(0.9), 61_000).target, 4);
  assert.equal(policy.step(at(0.9), 91_000).target, 5);
});

test('there is one action at a time, and the changed fleet has to show it anew', () => {
  const policy = thresholds();
  policy.step(at(0.9), 0);
  assert.equal(policy.step(at(0.9), 60_000).target, 5);
  for (const second of [61, 100, 130])
    assert.equal(policy.step(at(0.9, { target: 5, ready: 4, starting: 1 }), second * 1000).target, 5);
  assert.equal(policy.step(at(0.9, { target: 5 }), 131_000).target, 6);
});

test('the proposal stands until it is followed or the reason for it ends', () => {
  const policy = thresholds();
  policy.step(at(0.1), 0);
  assert.equal(policy.step(at(0.1), 60_000).target, 3);
  assert.equal(policy.step(at(0.1), 90_000).target, 3);
  assert.equal(policy.step(at(0.5), 91_000).target, 4);
});

test('silence is no idleness: without CPU figures nothing is taken away', () => {
  const policy = thresholds();
  const silent = observe({ signals: { cpu: absent } });
  for (let second = 0; second <= 600; second += 10) {
    const proposal = policy.step(silent, second * 1000);
    assert.equal(proposal.target, 4);
    assert.equal(proposal.doubt, 'CPU is not known');
  }
});
