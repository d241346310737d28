import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePolicy } from './list.ts';
import { run, type Proposal, type RunningPolicy } from '../policy.ts';
import { absent, fresh } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';

/** A fleet that follows at once, and the policy that it follows, from one ready replica on. */
function fleet(parameters: Record<string, unknown> = {}, start = 1) {
  const made = makePolicy('kpa', { target: 1, utilization: 1, ...parameters });
  assert.ok(made.kind === 'made');
  const seen = { fleet: { target: start }, min: 0 };
  const policy: RunningPolicy = run(made.policy, observe(seen), 0);
  let target = start;
  let second = 0;
  const go = (inFlight: number | undefined, seconds: number): Proposal => {
    let proposal: Proposal | undefined;
    for (const end = second + seconds; second < end;) {
      second += 1;
      const signals = { inFlight: inFlight === undefined ? absent : fresh(inFlight) };
      proposal = policy.step(observe({ fleet: { target }, min: 0, signals }), second * 1000);
      target = proposal.target;
    }
    assert.ok(proposal !== undefined);
    return proposal;
  };
  return { go, state: policy.state as () => { memory: { panickingSince: number | null } } };
}

test('a surge makes it panic, and while it panics nothing is lowered', () => {
  const { go, state } = fleet();
  go(1, 60);
  assert.equal(go(20, 8).target, 20);
  assert.ok(state().memory.panickingSince !== null);
  assert.match(go(1, 50).reason(), /in panic: nothing is lowered/);
  assert.equal(go(1, 4).target, 20);
  assert.equal(go(1, 70).target, 1);
});

test('a restart at many replicas starts in panic: what has no memory lowers nothing', () => {
  const { go } = fleet({}, 12);
  assert.equal(go(3, 58).target, 12);
  assert.ok(go(3, 20).target < 12);
});

test('the last replica goes when it was idle for the window and inactive for the grace period', () => {
  const { go } = fleet({ stableWindowSeconds: 60, graceSeconds: 30 });
  go(1, 70);
  assert.equal(go(0, 120).target, 1);
  assert.equal(go(0, 40).target, 0);
  assert.equal(go(1, 2).target, 1);
});

test('a hole in its window does not count as idle time', () => {
  const { go } = fleet();
  go(8, 120);
  go(undefined, 50);
  const proposal = go(8, 3);
  assert.equal(proposal.target, 8);
  assert.equal(proposal.doubt, 'its window has a hole');
});
