/**
 * One wish from many proposals. The leading policy decides; where it is unsound (it threw, took too long, or returned
 * something that is no count) the fallback stands in, and without a sound fallback what is held stays. Floors (a schedule,
 * a forecast) may only raise it; claims (a release under way, a person) bound what may be moved, and say who they are.
 * A target is absolute, so what is ordered and not ready yet counts by itself: it is never ordered twice.
 */
import type { Limit } from './chain.ts';
import type { Observation } from './observation.ts';
import type { Proposal } from './policy.ts';

/** What came of asking a policy; its caller measures the time. */
export type Outcome =
  | { readonly kind: 'proposed'; readonly policy: string; readonly proposal: Proposal }
  | { readonly kind: 'threw'; readonly policy: string; readonly message: string }
  | { readonly kind: 'late'; readonly policy: string; readonly tookMs: number };

export interface Claim {
  /** Who: `release 12`, `operator`. */
  readonly by: string;
  readonly min?: number;
  readonly max?: number;
}

export interface Wish {
  /** Whole, at least 0. */
  readonly target: number;
  /** Who asked for it: a policy, a floor, a claim, or nobody (`held`). */
  readonly by: string;
  readonly reason: () => string;
  readonly doubt?: string | undefined;
  /** What was wrong with those that were not listened to, in words. */
  readonly unsound: readonly string[];
  /** What was asked for before doubt and claims; `by`: a policy, or `held` where nobody was sound. */
  readonly raw: { readonly target: number; readonly by: string; readonly reason: () => string };
  /** What doubt and claims let be wished, in their order. */
  readonly limits: () => readonly Limit[];
}

/** Wishes above the maximum are cut to it and mean something; one this far above is a mistake. */
const soundMax = (max: number): number => Math.max(1000, 10 * max);

/** Why an outcome can't be used, in words; undefined when it can. */
export function unsoundness(outcome: Outcome, max: number): string | undefined {
  const { policy } = outcome;
  if (outcome.kind === 'threw') return `${policy} failed: ${outcome.message}`;
  if (outcome.kind === 'late') return `${policy} took ${Math.round(outcome.tookMs)} ms`;
  const { target } = outcome.proposal;
  if (Number.isInteger(target) && target >= 0 && target <= soundMax(max)) return undefined;
  return `${policy} proposed ${target}, expected a whole number of 0 to ${soundMax(max)}`;
}

const isProposed = (outcome: Outcome): outcome is Outcome & { kind: 'proposed' } => outcome.kind === 'proposed';

type Asked = Omit<Wish, 'unsound' | 'raw' | 'limits'>;

function leading(outcomes: readonly Outcome[], seen: Observation, unsound: string[]): Asked {
  for (const outcome of outcomes) {
    const problem = unsoundness(outcome, seen.max);
    if (problem !== undefined) unsound.push(problem);
    else if (isProposed(outcome)) return { ...outcome.proposal, by: outcome.policy };
  }
  const doubt = unsound.length === 0 ? 'no policy was asked' : 'no policy gave a sound answer';
  return { target: seen.fleet.target, by: 'held', reason: () => doubt, doubt };
}

/** `lead`: in the order in which they stand in for each other. `floors`: each may raise what the lead asks for. */
export function reconcile(
  lead: readonly Outcome[],
  floors: readonly Outcome[],
  claims: readonly Claim[],
  seen: Observation,
): Wish {
  const unsound: string[] = [];
  let wish = leading(lead, seen, unsound);
  for (const floor of floors) {
    const problem = unsoundness(floor, seen.max);
    if (problem !== undefined) unsound.push(problem);
    else if (isProposed(floor) && floor.proposal.target > wish.target) {
      // A floor takes no doubt away: what is asked for below it may still rest on nothing.
      const { target, reason } = floor.proposal;
      wish = { target, reason, by: floor.policy, doubt: wish.doubt ?? floor.proposal.doubt };
    }
  }
  const raw = wish;
  const held = seen.fleet.target;
  // Nobody's doubt lowers.
  if (wish.doubt !== undefined && wish.target < seen.fleet.target) {
    const { doubt } = wish;
    wish = { target: seen.fleet.target, by: 'held', reason: () => `${doubt}: nothing is lowered`, doubt };
  }
  const claim = (by: string, bounded: number): void => {
    const asked = wish.target;
    if (bounded === asked) return;
    const reason = (): string =>
      `${by} keeps it at ${bounded < asked ? 'most' : 'least'} ${bounded}, ${asked} asked for`;
    wish = { ...wish, target: bounded, by, reason };
  };
  // Floors after ceilings: of two claims that disagree, the one that keeps more capacity holds.
  for (const { by, max = Number.POSITIVE_INFINITY } of claims) {
    // A ceiling takes nothing away in doubt, as nobody does.
    const most = wish.doubt === undefined ? max : Math.max(max, seen.fleet.target);
    claim(by, Math.min(most, wish.target));
  }
  for (const { by, min = 0 } of claims) claim(by, Math.max(min, wish.target));
  // A ceiling takes nothing away in doubt.
  const mostOf = (max: number): number => (raw.doubt === undefined ? max : Math.max(max, held));
  const limits = (): readonly Limit[] => [
    {
      stage: 'doubt',
      min: raw.doubt === undefined ? null : held,
      max: null,
      reason: raw.doubt === undefined ? 'nothing is in doubt' : `${raw.doubt}: nothing is lowered`,
    },
    ...claims.flatMap(({ by, max }): Limit[] =>
      max === undefined
        ? []
        : [{ stage: 'ceiling', by, min: null, max: mostOf(max), reason: `${by} keeps it at most ${mostOf(max)}` }],
    ),
    ...claims.flatMap(({ by, min }): Limit[] =>
      min === undefined ? [] : [{ stage: 'floor', by, min, max: null, reason: `${by} keeps it at least ${min}` }],
    ),
  ];
  return { ...wish, unsound, raw, limits };
}
