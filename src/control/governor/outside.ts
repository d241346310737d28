/** What the governor is told from outside its own looks: signals of alerts, and what playbooks ask for. */
import type { Signal } from '../../core/scaling/signals.ts';
import type { Claim } from '../../core/scaling/reconcile.ts';
import type { Done } from './governed.ts';

export interface Answer {
  readonly done: Done;
  /** Replicas that were held, and that are to be held from now on. */
  readonly held: number;
  readonly target: number;
  /** What cut the wish, in words; empty where nothing did. */
  readonly cuts: () => string;
  /** The journal's entry of a move. */
  readonly entry?: number;
}

export interface Outside {
  /** By the name that the specification gives them. */
  signals(): Readonly<Record<string, Signal>>;
  /** Empty of one that nobody asks anything for. */
  claimsOn(deployment: string): readonly Claim[];
  /** What came of a look at one that has claims. */
  answer(deployment: string, answer: Answer): void;
}

/** Where nobody tells anything. */
export const nothingOutside: Outside = { signals: () => ({}), claimsOn: () => [], answer() {} };
