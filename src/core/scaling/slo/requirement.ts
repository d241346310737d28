/**
 * The units that would have been enough until now: R(t) = max over k of A(t - k, t) / (k + B).
 * A(t - k, t) is the work that came in the last k seconds and B the seconds that a request may wait. c units finish
 * c·(k + B) of work within k + B seconds, so with fewer than R some of that work waited longer than B (the service curve
 * of a queue, Cruz 1991). The spans are Fibonacci numbers: between two of them R is at most 38 % off for the span that
 * falls between, and in practice far less, since a burst is seen by every span that contains it.
 */
import { sumOver, type LoadHistory } from './load-history.ts';

const spans = [1, 2, 3, 5, 8, 13, 21, 34, 60] as const;

/** `patience`: seconds that a request may wait and still be in time. */
export function requirementOf(history: LoadHistory, patience: number): number {
  let most = 0;
  for (let index = 0; index < spans.length; index += 1) {
    const span = spans[index] as number;
    if (span > history.seconds) break;
    const needed = sumOver(history, span) / (span + patience);
    if (needed > most) most = needed;
  }
  return most;
}
