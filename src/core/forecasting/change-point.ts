/**
 * Whether a level has risen for good: E. S. Page's cumulative sum (1954) in D. V. Hinkley's form (1971), on values that
 * are divided by their own running mean, so that one threshold serves every scale. Plain data; a step gives a new one.
 */

export interface ChangePoint {
  readonly count: number;
  readonly mean: number;
  readonly sum: number;
  readonly least: number;
}

export const noChange: ChangePoint = { count: 0, mean: 0, sum: 0, least: 0 };

export interface ChangeSettings {
  /** Rise over the mean that is tolerated, as a share of the mean. */
  readonly tolerated: number;
  /** Cumulated excess, in means, at which it is a change. */
  readonly threshold: number;
  /** Values before which nothing is judged. */
  readonly warmUp: number;
}

export const changeDefaults: ChangeSettings = { tolerated: 0.5, threshold: 20, warmUp: 20 };

/** `value` at least 0. After a change it begins anew. */
export function watch(
  before: ChangePoint,
  value: number,
  { tolerated, threshold, warmUp }: ChangeSettings = changeDefaults,
): { readonly state: ChangePoint; readonly changed: boolean } {
  const count = before.count + 1;
  const mean = before.mean + (value - before.mean) / count;
  if (count <= warmUp || mean <= 0) return { state: { count, mean, sum: 0, least: 0 }, changed: false };
  const sum = before.sum + value / mean - 1 - tolerated;
  const least = Math.min(before.least, sum);
  return sum - least > threshold
    ? { state: noChange, changed: true }
    : { state: { count, mean, sum, least }, changed: false };
}
