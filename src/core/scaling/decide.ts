/**
 * One decision of the governor: policies are asked, agree on one wish, and what may be done of it comes out, with every
 * word of why. The live loop and the replay of its journal call the same function, so that equal inputs give equal
 * decisions, byte for byte. It executes nothing.
 */
import { chainOf, type Link } from './chain.ts';
import { constrain, type Constraints, type ConstraintMemory, type Cut } from './constrain.ts';
import type { Observation } from './observation.ts';
import type { RunningPolicy } from './policy.ts';
import { reconcile, unsoundness, type Claim, type Outcome } from './reconcile.ts';

/** What a policy said, with its words. */
export interface Said {
  readonly policy: string;
  /** Null where it gave no sound answer. */
  readonly target: number | null;
  readonly reason: string;
  readonly doubt?: string;
}

/** Plain JSON. */
export interface Decision {
  readonly held: number;
  /** What is to be held from now on: inside the bounds. */
  readonly target: number;
  /** Who asked for it: a policy, a claim, or `held` where nobody could be listened to. */
  readonly by: string;
  readonly reason: string;
  /** Why nothing is lowered. */
  readonly doubt?: string;
  /** What was asked for before anything limited it. */
  readonly raw: { readonly target: number; readonly by: string; readonly reason: string };
  /** What the policies and claims agreed on, before the bounds. */
  readonly wished: number;
  /** Every limit between `raw` and `target`, and whether it bit. */
  readonly chain: readonly Link[];
  readonly said: readonly Said[];
  readonly cuts: readonly Cut[];
  /** What was wrong with those that were not listened to. */
  readonly unsound: readonly string[];
}

export interface DecisionInput {
  readonly seen: Observation;
  /** Of the policy that leads, then of its stand-in. */
  readonly outcomes: readonly Outcome[];
  readonly claims: readonly Claim[];
  readonly constraints: Constraints;
  /** Monotonic milliseconds. */
  readonly at: number;
}

export interface Decided {
  readonly memory: ConstraintMemory;
  readonly target: number;
  readonly doubt: string | undefined;
  readonly unsound: readonly string[];
  /** Words cost more than numbers: they are made when somebody reads them. */
  readonly describe: () => Decision;
}

export function decide(before: ConstraintMemory, input: DecisionInput): Decided {
  const { seen, claims, constraints, at } = input;
  const held = seen.fleet.target;
  const outcomes = cautious(input.outcomes, seen.max);
  const wish = reconcile(outcomes, [], claims, seen);
  const { memory, target, cuts, limits } = constrain(before, wish.target, held, constraints, seen.wallMs, at);
  const { by, doubt, unsound } = wish;
  return {
    memory,
    target,
    doubt,
    unsound,
    describe: () => ({
      held,
      target,
      by,
      reason: wish.reason(),
      ...(doubt === undefined ? {} : { doubt }),
      raw: { target: wish.raw.target, by: wish.raw.by, reason: wish.raw.reason() },
      wished: wish.target,
      chain: chainOf(wish.raw.target, [...wish.limits(), ...limits()]),
      said: outcomes.map((outcome) => toSaid(outcome, seen.max)),
      cuts,
      unsound,
    }),
  };
}

/** Whoever stands in for a policy that failed may raise and hold, and never lowers on its own rule. */
function cautious(outcomes: readonly Outcome[], max: number): readonly Outcome[] {
  const [lead, ...others] = outcomes;
  const problem = lead === undefined ? undefined : unsoundness(lead, max);
  if (lead === undefined || problem === undefined) return outcomes;
  const doubting = others.map((outcome) => (outcome.kind === 'proposed' ? inDoubt(outcome, problem) : outcome));
  return [lead, ...doubting];
}

function inDoubt(outcome: Outcome & { kind: 'proposed' }, problem: string): Outcome {
  const { proposal } = outcome;
  return { ...outcome, proposal: { ...proposal, doubt: proposal.doubt ?? problem } };
}

export function toSaid(outcome: Outcome, max: number): Said {
  const { policy } = outcome;
  const problem = unsoundness(outcome, max);
  if (problem !== undefined || outcome.kind !== 'proposed') {
    return { policy, target: null, reason: problem ?? 'it said nothing' };
  }
  const { target, reason, doubt } = outcome.proposal;
  return { policy, target, reason: reason(), ...(doubt === undefined ? {} : { doubt }) };
}

/** Asks one policy; what it throws and how long it takes stay its own. `now`: any milliseconds that only grow. */
export function ask(
  running: RunningPolicy,
  seen: Observation,
  at: number,
  budgetMs: number,
  now: () => number,
): Outcome {
  const policy = running.name;
  const began = now();
  try {
    const proposal = running.step(seen, at);
    const tookMs = now() - began;
    return tookMs > budgetMs ? { kind: 'late', policy, tookMs } : { kind: 'proposed', policy, proposal };
  } catch (error) {
    return { kind: 'threw', policy, message: error instanceof Error ? error.message : String(error) };
  }
}
