/**
 * How long a unit of a deployment has really taken from its order to its first answer, by stage: the 90th percentile of
 * the last starts. Where none has been seen yet, a guess that is replaced by the first.
 */
import type { Lag, LagStage } from './observation.ts';

export type Start = Readonly<Pick<Record<LagStage, number>, 'start' | 'load' | 'warm'>>;

export interface LagBook {
  readonly starts: readonly Start[];
}

const startsKept = 32;
const share = 0.9;

/** Of a small model on one machine. */
const guess: Start = { start: 300, load: 200, warm: 200 };

export const emptyLagBook: LagBook = { starts: [] };

export function noteStart(book: LagBook, start: Start): LagBook {
  return { starts: [...book.starts, start].slice(-startsKept) };
}

/** `everyMs`: between two looks; a load is seen by the one after it. */
export function lagOf({ starts }: LagBook, everyMs: number): Lag {
  const at = (stage: keyof Start): number => {
    if (starts.length === 0) return guess[stage];
    const sorted = starts.map((start) => start[stage]).toSorted((left, right) => left - right);
    return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? guess[stage];
  };
  return { detect: everyMs, decide: 1, start: at('start'), load: at('load'), warm: at('warm'), serve: 0 };
}
