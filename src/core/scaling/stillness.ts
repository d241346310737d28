/**
 * Why nothing is done, out of a closed set: no look ends without one of these. Pure.
 */
import { chainStages } from './chain.ts';
import type { Decision } from './decide.ts';

export const stillnessKinds = [
  // What is held is what is asked for.
  'enough',
  // Nobody could be listened to.
  'no policy',
  // What kept it: the last limit that made the wish what is held.
  ...chainStages,
  // It is decided and not done.
  'mode',
  'approval',
  'rejected',
  'halt',
  'busy',
  'overtaken',
] as const;
export type StillnessKind = (typeof stillnessKinds)[number];

export interface Stillness {
  readonly kind: StillnessKind;
  readonly reason: string;
  /** Who keeps it, where somebody does. */
  readonly by?: string;
}

/** What became of a decision; `because`: of one that was refused. */
export interface Outcome {
  readonly kind: 'held' | 'advised' | 'asked' | 'moved' | 'refused';
  readonly why: string;
  readonly because?: 'rejected' | 'halt' | 'busy' | 'overtaken' | undefined;
}

/** Undefined where something is done. */
export function stillnessOf(decision: Decision, done: Outcome): Stillness | undefined {
  if (done.kind === 'moved') return undefined;
  if (done.kind === 'advised') return { kind: 'mode', reason: done.why };
  if (done.kind === 'asked') return { kind: 'approval', reason: done.why };
  if (done.kind === 'refused') return { kind: done.because ?? 'overtaken', reason: done.why };
  const { held, raw, chain, reason } = decision;
  if (raw.by === 'held') return { kind: 'no policy', reason };
  const keeping = chain.findLast(({ bit, to }) => bit && to === held);
  if (keeping === undefined) return { kind: 'enough', reason };
  const { stage, by } = keeping;
  return { kind: stage, reason: keeping.reason, ...(by !== undefined && { by }) };
}
