/** What users of other autoscalers complain of, as transcripts: a fleet that takes its time, one second a step. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constrain, startConstraints, unconstrained } from './constrain.ts';
import { makePolicy } from './policies/list.ts';
import { run, type Proposal, type RunningPolicy } from './policy.ts';
import { reconcile } from './reconcile.ts';
import { absent, fresh } from './signals.ts';
import { observe } from '../../testing/observations.ts';

function policyOf(name: string, parameters: Record<string, unknown> = {}, target = 4): RunningPolicy {
  const made = makePolicy(name, parameters);
  assert.ok(made.kind === 'made', JSON.stringify(made));
  return run(made.policy, observe({ fleet: { target } }), 0);
}

const scaling = ['thresholds', 'hpa', 'kpa', 'keda', 'ray', 'aws-target', 'aws-step'];

test('all replicas unready at the peak: nobody takes that for idleness', () => {
  for (const name of scaling) {
    const policy = policyOf(name, {}, 8);
    let proposal: Proposal | undefined;
    for (let second = 1; second <= 900; second += 1) {
      const isUp = second <= 60;
      // No replica runs, so none reports CPU or what it computes; what waits in front of them grows.
      const signals = isUp
        ? { cpu: fresh(0.7), utilisation: fresh(0.7), inFlight: fresh(8), arrivals: fresh(80) }
        : { cpu: absent, utilisation: absent, inFlight: fresh(0), queued: fresh(20 * second), arrivals: fresh(80) };
      const fleet = { target: 8, ready: isUp ? 8 : 0, starting: isUp ? 0 : 8 };
      proposal = policy.step(observe({ fleet, signals }), second * 1000);
    }
    assert.ok((proposal?.target ?? 0) >= 8, `${name} proposes ${proposal?.target}: ${proposal?.reason()}`);
  }
});

test('a restart in the middle of a panic: the kept state goes on where it was', () => {
  const made = makePolicy('kpa', { target: 1, utilization: 1 });
  assert.ok(made.kind === 'made');
  const at = (inFlight: number, target: number) =>
    observe({ fleet: { target }, signals: { inFlight: fresh(inFlight) } });
  const first = run(made.policy, at(1, 1), 0);
  let target = 1;
  for (let second = 1; second <= 70; second += 1)
    target = first.step(at(second < 60 ? 1 : 40, target), second * 1000).target;
  assert.equal(target, 40);
  const again = run(made.policy, at(1, target), 71_000, structuredClone(first.state()));
  for (let second = 71; second <= 120; second += 1) target = again.step(at(1, target), second * 1000).target;
  assert.equal(target, 40);
});

test('two hands on one knob: whoever else moves the target, a policy goes on from where it stands', () => {
  const policy = policyOf('thresholds', { sustainedSeconds: 30 });
  const high = (target: number) => observe({ fleet: { target }, signals: { cpu: fresh(0.9) } });
  for (let second = 1; second <= 25; second += 1) policy.step(high(4), second * 1000);
  // Somebody raised it by hand: the larger fleet has to show anew that it is too small.
  for (let second = 26; second <= 55; second += 1) assert.equal(policy.step(high(9), second * 1000).target, 9);
  assert.equal(policy.step(high(9), 56_000).target, 10);
});

test('what is still starting is not ordered again, however long it takes', () => {
  for (const name of scaling) {
    const policy = policyOf(name, name === 'kpa' ? { target: 2 } : {});
    let target = 4;
    let most = 0;
    // 20 requests in hand, starts that take five minutes: the wish is what the load needs, not more each time.
    for (let second = 1; second <= 300; second += 1) {
      const signals = {
        cpu: fresh(0.5),
        utilisation: fresh(0.5),
        inFlight: fresh(4),
        queued: fresh(8),
        arrivals: fresh(40),
      };
      const fleet = { target, ready: 4, starting: target - 4 };
      target = policy.step(observe({ fleet, signals }), second * 1000).target;
      most = Math.max(most, target);
    }
    assert.ok(most <= 12, `${name} ordered ${most}`);
  }
});

test('a policy that goes mad for a minute moves nothing, and is told', () => {
  const set = { ...unconstrained, min: 2, max: 20 };
  let memory = startConstraints(set, 6, 0);
  let held = 6;
  for (let second = 1; second <= 60; second += 1) {
    const target = [Number.NaN, -1, 1e9, Number.POSITIVE_INFINITY][second % 4] as number;
    const seen = observe({ fleet: { target: held }, max: 20 });
    const proposal: Proposal = { target, reason: () => 'it went mad' };
    const wish = reconcile([{ kind: 'proposed', policy: 'learned', proposal }], [], [], seen);
    assert.match(wish.unsound[0] ?? '', /^learned proposed /u);
    const step = constrain(memory, wish.target, held, set, 0, second * 1000);
    memory = step.memory;
    held = step.target;
  }
  assert.equal(held, 6);
});
