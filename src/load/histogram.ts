/**
 * A log-linear histogram of latencies: each power of two of microseconds is cut into 128 equal buckets, so a quantile
 * is at most 1/128 (0.8 %) above the exact one, from 1 µs to 19 h, in constant memory. Count, sum and maximum are exact.
 * Invariant: quantile(q) ≥ the exact nearest-rank quantile, and ≤ max.
 */

const linearBits = 7;
const perOctave = 1 << linearBits;
/** Values below `perOctave` µs have a bucket of their own; then one octave after another up to 2^36 µs. */
const octaves = 36 - linearBits + 1;

/** Relative error of a quantile at most; below 128 µs the absolute error is at most 1 µs. */
export const quantileError = 1 / perOctave;

export interface Histogram {
  /** Negative and NaN count as 0; beyond the range as the last bucket. */
  record(ms: number): void;
  readonly count: number;
  readonly maxMs: number;
  readonly meanMs: number;
  /** NaN when nothing was recorded. `q` from 0 to 1. */
  quantileMs(q: number): number;
  merge(other: Histogram): void;
  /** Bucket counts, for merging. */
  readonly counts: Float64Array;
  readonly sumMs: number;
}

function bucketOf(us: number): number {
  if (us < perOctave) return us;
  const exponent = Math.floor(Math.log2(us));
  // log2 may round up just below a power of two.
  const octave = us < 2 ** exponent ? exponent - 1 : exponent;
  const shift = octave - linearBits;
  const within = Math.floor(us / 2 ** shift) - perOctave;
  return Math.min((octave - linearBits + 1) * perOctave + within, octaves * perOctave - 1);
}

/** Highest whole microsecond of a bucket. */
function upperUs(bucket: number): number {
  if (bucket < perOctave) return bucket;
  const octave = Math.floor(bucket / perOctave) - 1;
  const within = bucket % perOctave;
  return (perOctave + within + 1) * 2 ** octave - 1;
}

export function createHistogram(): Histogram {
  const counts = new Float64Array(octaves * perOctave);
  let count = 0;
  let sumMs = 0;
  let maxMs = 0;
  return {
    record(ms) {
      const value = ms > 0 ? ms : 0;
      // Rounding up keeps the law that a quantile is never below the exact one.
      const bucket = bucketOf(Math.ceil(value * 1000));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      count++;
      sumMs += value;
      if (value > maxMs) maxMs = value;
    },
    get count() {
      return count;
    },
    get maxMs() {
      return maxMs;
    },
    get meanMs() {
      return sumMs / count;
    },
    get sumMs() {
      return sumMs;
    },
    counts,
    quantileMs(q) {
      if (count === 0) return Number.NaN;
      const rank = Math.max(1, Math.ceil(q * count));
      let seen = 0;
      for (let bucket = 0; bucket < counts.length; bucket++) {
        seen += counts[bucket] ?? 0;
        if (seen >= rank) return Math.min(upperUs(bucket) / 1000, maxMs);
      }
      return maxMs;
    },
    merge(other) {
      for (let bucket = 0; bucket < counts.length; bucket++)
        counts[bucket] = (counts[bucket] ?? 0) + (other.counts[bucket] ?? 0);
      count += other.count;
      sumMs += other.sumMs;
      maxMs = Math.max(maxMs, other.maxMs);
    },
  };
}
