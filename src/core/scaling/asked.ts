/**
 * A policy that is asked look after look, with what its failures mean: one that has thrown begins anew, since half a step
 * may stand in its state, and one that fails time after time is left alone for a while.
 */
import { ask } from './decide.ts';
import type { Observation } from './observation.ts';
import { run, type Policy, type RunningPolicy } from './policy.ts';
import type { Outcome } from './reconcile.ts';

export interface Asked {
  readonly make: () => Policy;
  running: RunningPolicy;
  /** In a row. */
  failures: number;
  /** Monotonic milliseconds. */
  restUntil: number;
}

/** How long one may take, and how that is measured: any milliseconds that only grow. */
export interface Patience {
  readonly budgetMs: number;
  readonly now: () => number;
}

const failuresMax = 3;
const restMs = 60_000;

export function askOne(one: Asked, seen: Observation, at: number, { budgetMs, now }: Patience): Outcome {
  const policy = one.running.name;
  if (at < one.restUntil) {
    const message = `it failed ${failuresMax} times in a row and is asked again in ${Math.ceil((one.restUntil - at) / 1000)} s`;
    return { kind: 'threw', policy, message };
  }
  const outcome = ask(one.running, seen, at, budgetMs, now);
  if (outcome.kind === 'proposed') {
    one.failures = 0;
    return outcome;
  }
  one.failures += 1;
  if (one.failures >= failuresMax) {
    one.failures = 0;
    one.restUntil = at + restMs;
  }
  if (outcome.kind === 'threw') one.running = run(one.make(), seen, at);
  return outcome;
}
