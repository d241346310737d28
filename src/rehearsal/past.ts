/** A policy as it stands after a load that is on record, as the live one would: who has a memory begins with it. Pure. */
import { fresh } from '../core/scaling/signals.ts';
import type { Observation } from '../core/scaling/observation.ts';
import { run, type Policy, type RunningPolicy } from '../core/scaling/policy.ts';

/** `past`: requests of each second before the start, oldest first, NaN where nobody saw; `serviceMs`: of one request. */
export function beginAfter(
  policy: Policy,
  first: Observation,
  serviceMs: number,
  past: ArrayLike<number>,
): RunningPolicy {
  const state = policy.start(first, 0);
  policy.learn?.(state, { ...first, signals: { ...first.signals, serviceMs: fresh(serviceMs) } }, past);
  return run(policy, first, 0, state);
}
