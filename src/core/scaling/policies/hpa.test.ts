import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePolicy } from './list.ts';
import { run, type RunningPolicy } from '../policy.ts';
import { fresh } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';

function hpa(parameters: Record<string, unknown> = {}): RunningPolicy {
  const made = makePolicy('hpa', parameters);
  assert.ok(made.kind === 'made', JSON.stringify(made));
  return run(made.policy, observe(), 0);
}

/** Follows the policy for a while at one CPU, and gives the targets that it held. */
function follow(policy: RunningPolicy, cpu: (second: number) => number, from: number, to: number, start = 4): number[] {
  const targets = [start];
  for (let second = from; second <= to; second += 1) {
    const target = targets.at(-1) as number;
    targets.push(
      policy.step(observe({ fleet: { target }, signals: { cpu: fresh(cpu(second)) } }), second * 1000).target,
    );
  }
  return targets;
}

test('it looks every fifteen seconds and adds at most 100 % or four', () => {
  const targets = follow(hpa(), () => 1, 1, 31, 10);
  assert.deepEqual([...new Set(targets)], [10, 13, 17]);
  assert.equal(targets[15], 13);
});

test('inside the tolerance nothing changes', () => {
  assert.deepEqual([...new Set(follow(hpa(), () => 0.87, 1, 120))], [4]);
});

test('it lowers to the most that was wanted in five minutes', () => {
  const targets = follow(hpa(), (second) => (second < 60 ? 0.8 : 0.2), 1, 400);
  assert.equal(targets[330], 4);
  assert.equal(targets.at(-1), 1);
});

test('replicas that are starting count as idle on the way up', () => {
  const policy = hpa();
  const seen = observe({ fleet: { target: 4, ready: 2, starting: 2 }, signals: { cpu: fresh(1) } });
  for (let second = 1; second < 15; second += 1) policy.step(seen, second * 1000);
  // Two of four at 100 % are 50 % on average: less than the target, and up was asked for, so nothing changes.
  assert.equal(policy.step(seen, 15_000).target, 4);
});

test('of several metrics the one counts that asks for most, and the reason names it', () => {
  const policy = hpa({ inHand: 2 });
  const seen = observe({ signals: { cpu: fresh(0.2), inFlight: fresh(4), queued: fresh(8) } });
  for (let second = 1; second < 15; second += 1) policy.step(seen, second * 1000);
  const proposal = policy.step(seen, 15_000);
  assert.equal(proposal.target, 6);
  assert.equal(proposal.reason(), '12.0 requests in hand asks for 6');
});

test('rules that are written wrongly are refused with what was expected', () => {
  const made = makePolicy('hpa', { scaleUp: { policies: [{ type: 'Pod', value: 1, periodSeconds: 15 }] } });
  assert.deepEqual(made, {
    kind: 'refused',
    problems: ['scaleUp: the type of a policy is expected to be Pods or Percent'],
  });
});
