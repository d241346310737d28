/**
 * The largest of the values of the last `size` indexes, in constant time a value: a queue of those that could still
 * become the largest, in descending order (the ascending minima algorithm, R. Harter 2001, turned round).
 * Plain data; `record` writes into it. Indexes never fall; of several values of one index the largest counts.
 */

export interface SlidingMax {
  readonly size: number;
  readonly values: Float64Array;
  readonly indexes: Float64Array;
  first: number;
  length: number;
}

/** `size`: indexes that count, at least 1. */
export function slidingMax(size: number): SlidingMax {
  return { size, values: new Float64Array(size), indexes: new Float64Array(size), first: 0, length: 0 };
}

/** Takes the value in and gives the largest that counts now. */
export function record(window: SlidingMax, index: number, value: number): number {
  const { size, values, indexes } = window;
  let kept = value;
  while (window.length > 0) {
    const last = (window.first + window.length - 1) % size;
    const lastValue = values[last] as number;
    if (indexes[last] === index) kept = Math.max(kept, lastValue);
    else if (lastValue > value) break;
    window.length -= 1;
  }
  while (window.length > 0 && index - (indexes[window.first] as number) >= size) {
    window.length -= 1;
    window.first = (window.first + 1) % size;
  }
  const place = (window.first + window.length) % size;
  values[place] = kept;
  indexes[place] = index;
  window.length += 1;
  return values[window.first] as number;
}

/** The same values in a window of another size; what a shorter one no longer holds is gone at its next value. */
export function resized(window: SlidingMax, size: number): SlidingMax {
  if (size === window.size) return window;
  const next = slidingMax(size);
  // Of more than fit the oldest are left out: the newest is the last of the ascending indexes.
  const kept = Math.min(window.length, size);
  for (let place = 0; place < kept; place += 1) {
    const from = (window.first + window.length - kept + place) % window.size;
    next.values[place] = window.values[from] as number;
    next.indexes[place] = window.indexes[from] as number;
  }
  next.length = kept;
  return next;
}
