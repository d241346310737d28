/**
 * Requests per second that n units have been seen to hold: what was answered while more waited than could be computed,
 * at the start of a span and at its end. It may fall with n, where a call costs less than the way to it.
 * Values are replaced, never written into: whoever has an observation keeps what it saw.
 */

export interface Saturation {
  readonly ready: number;
  /** Of those that are ready now, those that took requests for the whole span. */
  readonly steady: number;
  /** Those that were ready at its start. */
  readonly readyBefore: number;
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
  const { ready, steady, readyBefore, queuedBefore, queuedAfter, completed, spanMs } = seen;
  const saturated = ready > 0 && queuedBefore > ready && queuedAfter > ready;
  // What came or went meanwhile answered for a part of the span, and would make the count look small or large.
  if (steady !== ready || readyBefore !== ready) return capacity;
  if (!saturated || ready >= capacity.length || spanMs < spanMsMin || completed === 0) return capacity;
  const rate = (completed * 1000) / spanMs;
  const before = capacity[ready] ?? Number.NaN;
  const next = capacity.slice();
  next[ready] = Number.isNaN(before) ? rate : before + weight * (rate - before);
  return next;
}

/** That more hold less is believed for this long without being seen again. */
const doubtfulMs = 600_000;

/**
 * Forgets counts that were measured, long ago, to hold no more than a smaller one does: who believes it never has so many
 * again, and could not find out that it was the machine, for a moment, and not the count. `measuredAt`: when each was.
 */
export function forgetDoubtful(
  capacity: Float64Array,
  measuredAt: ReadonlyMap<number, number>,
  at: number,
): Float64Array {
  let most = 0;
  let kept = capacity;
  for (let count = 1; count < capacity.length; count += 1) {
    const rate = capacity[count] as number;
    if (rate > most) most = rate;
    else if (rate <= most && at - (measuredAt.get(count) ?? at) >= doubtfulMs) {
      if (kept === capacity) kept = capacity.slice();
      kept[count] = Number.NaN;
    }
  }
  return kept;
}

export function emptyCapacity(max: number): Float64Array {
  return new Float64Array(max + 1).fill(Number.NaN);
}
