/**
 * The smallest fleet of one size that keeps the promise on this very traffic: found in hindsight, so what nobody could
 * have chosen, and what any scaling has to be cheaper than. By doubling and halving, since more replicas keep more.
 */
import { makePolicy } from '../core/scaling/policies/list.ts';
import { rehearse } from './rehearse.ts';
import type { Scenario } from './scenario.ts';

/** `max` where not even that is enough. */
export function cheapestFixed(scenario: Scenario, tolerated: number): number {
  const keeps = (count: number): boolean => {
    const made = makePolicy('fixed', { count });
    if (made.kind === 'refused') throw new RangeError(made.problems.join('; '));
    const whole = { ...scenario, initial: count };
    return rehearse(whole, made.policy).violationFraction <= tolerated;
  };
  let low = Math.max(scenario.min, 1) - 1;
  let high = Math.max(scenario.initial, 1);
  while (high < scenario.max && !keeps(high)) {
    low = high;
    high = Math.min(scenario.max, high * 2);
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (keeps(middle)) high = middle;
    else low = middle;
  }
  return high;
}
