/**
 * How times scatter: always the same, exponential, lognormal, or as they were measured. A draw is one look-up in a table
 * of equally likely values, whose mean is exactly the distribution's; its grain is 1/16384, finer than what is measured.
 */
import { normalQuantile } from '../../rng.ts';

export type Distribution =
  | { readonly kind: 'fixed'; readonly mean: number }
  | { readonly kind: 'exponential'; readonly mean: number }
  /** `cv`: standard deviation ÷ mean. */
  | { readonly kind: 'lognormal'; readonly mean: number; readonly cv: number }
  /** Equally likely values, ascending, at least one. */
  | { readonly kind: 'quantiles'; readonly values: readonly number[] };

export const drawBits = 14;
const size = 1 << drawBits;

export function meanOf(distribution: Distribution): number {
  if (distribution.kind !== 'quantiles') return distribution.mean;
  const { values } = distribution;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value that the share `p`, in (0, 1), stays below. */
export function quantileOf(distribution: Distribution, p: number): number {
  switch (distribution.kind) {
    case 'fixed':
      return distribution.mean;
    case 'exponential':
      return -distribution.mean * Math.log1p(-p);
    case 'lognormal': {
      const variance = Math.log1p(distribution.cv ** 2);
      const z = p <= 0.5 ? normalQuantile(p) : -normalQuantile(1 - p);
      return distribution.mean * Math.exp(Math.sqrt(variance) * z - variance / 2);
    }
    default: {
      const { values } = distribution;
      // Between the middles of two neighbours in a straight line.
      const place = Math.min(Math.max(p * values.length - 0.5, 0), values.length - 1);
      const low = values[Math.floor(place)] as number;
      const high = values[Math.ceil(place)] as number;
      return low + (high - low) * (place - Math.floor(place));
    }
  }
}

/** Undefined where there is nothing to draw. */
export function drawTable(distribution: Distribution): Float64Array | undefined {
  if (distribution.kind === 'fixed') return undefined;
  const table = Float64Array.from({ length: size }, (_, index) => quantileOf(distribution, (index + 0.5) / size));
  let sum = 0;
  for (const value of table) sum += value;
  const correction = sum > 0 ? (meanOf(distribution) * size) / sum : 1;
  return table.map((value) => value * correction);
}

/** `uniform` in [0, 1). */
export const draw = (table: Float64Array, uniform: number): number => table[(uniform * size) | 0] as number;
