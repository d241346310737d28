/**
 * A playbook's step as the governor sees it: no second hand on the knob, but a claim with an end. Out is a floor, in is a
 * ceiling; the mode, a halt, the other constraints and the bounds hold for it as for any wish.
 */
import type { Claim } from '../scaling/reconcile.ts';

export interface Step {
  readonly playbook: string;
  readonly deployment: string;
  /** The alert, in a word or two. */
  readonly because: string;
  /** Replicas that were held, and that the step leads to. */
  readonly from: number;
  readonly to: number;
}

/** `by`: replicas, negative to take away. The bounds are cut here as well, so that the step says what it can come to. */
export function stepTo(from: number, by: number, min: number, max: number): number {
  return Math.min(Math.max(max, from), Math.max(Math.min(Math.max(1, min), from), from + by));
}

export function claimOf({ playbook, because, from, to }: Step): Claim {
  const by = `playbook ${playbook} (${because})`;
  return to > from ? { by, min: to } : { by, max: to };
}

/** Whether so many replicas are what the step asks for. */
export function isReached({ from, to }: Pick<Step, 'from' | 'to'>, replicas: number): boolean {
  return to > from ? replicas >= to : replicas <= to;
}
