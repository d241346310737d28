/**
 * Requests per second that n units have been seen to hold: what was answered while more waited than could be computed,
 * at the start of a span and at its end. It may fall with n, where a call costs less than the way to it.
 * Values are replaced, never written into: whoever has an observation keeps what it saw.
 */

export interface Saturation {
  readonly ready: number;
  readonly queuedBefore: number;
  readonly queuedAfter: number;
  readonly completed: number;
  readonly spanMs: number;
}

/** Weight of the newest measurement. */
const weight = 0.3;
/** Spans that are shorter measure chance. */
const spanMsMin = 500;

export function measureCapacity(capacity: Float64Array, seen: Saturation): Float64Array {
  const { ready, queuedBefore, queuedAfter, completed, spanMs } = seen;
  const saturated = ready > 0 && queuedBefore > ready && queuedAfter > ready;
  if (!saturated || ready >= capacity.length || spanMs < spanMsMin || completed === 0) return capacity;
  const rate = (completed * 1000) / spanMs;
  const before = capacity[ready] ?? Number.NaN;
  const next = capacity.slice();
  next[ready] = Number.isNaN(before) ? rate : before + weight * (rate - before);
  return next;
}

export function emptyCapacity(max: number): Float64Array {
  return new Float64Array(max + 1).fill(Number.NaN);
}
