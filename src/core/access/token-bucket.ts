/**
 * A rate limit as a token bucket: it holds up to `burst` tokens, gains `perSecond` a second, and a request takes one.
 * Pure; times are milliseconds of one monotonic clock. Invariant: in any span of t seconds at most
 * `burst + perSecond · t` requests are taken, and one that was refused is taken after `retryAfterMs` of silence.
 */

export interface Rate {
  /** Above 0. */
  readonly perSecond: number;
  /** Whole, at least 1. */
  readonly burst: number;
}

export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

export type Taken =
  | { readonly kind: 'taken'; readonly bucket: Bucket }
  | { readonly kind: 'refused'; readonly bucket: Bucket; readonly retryAfterMs: number };

export const fullBucket = (rate: Rate, at: number): Bucket => ({ tokens: rate.burst, at });

/** Sums of fractions come out a hair below the whole; a millionth of a token is nobody's request. */
const epsilon = 1e-6;

export function take(bucket: Bucket, rate: Rate, at: number): Taken {
  // A clock that stood still or went back gives nothing and takes nothing.
  const elapsedMs = Math.max(0, at - bucket.at);
  const tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000);
  const now = Math.max(at, bucket.at);
  if (tokens >= 1 - epsilon) return { kind: 'taken', bucket: { tokens: Math.max(0, tokens - 1), at: now } };
  const retryAfterMs = ((1 - tokens) * 1000) / rate.perSecond;
  return { kind: 'refused', bucket: { tokens, at: now }, retryAfterMs };
}

/**
 * The part of a limit that one of several gateway workers may give out by itself, so that all together never exceed the
 * whole: nobody has to ask a neighbour. A caller on one connection meets only its worker's part.
 */
export function shareOf(rate: Rate, workers: number): Rate {
  return { perSecond: rate.perSecond / workers, burst: Math.max(1, Math.floor(rate.burst / workers)) };
}
