/**
 * What a forecast was worth, and how far it may be off: losses of quantiles and intervals, and intervals that hold
 * without any assumption about the errors but that they are exchangeable (conformal prediction).
 */

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** R. Koenker and G. Bassett 1978: q·(y - f) above the forecast, (1 - q)·(f - y) below it. */
export function pinball(quantile: number, actual: number, forecast: number): number {
  const error = actual - forecast;
  return error >= 0 ? quantile * error : (quantile - 1) * error;
}

/** R. L. Winkler 1972: the width, and 2/α times how far outside it fell. */
export function winkler(alpha: number, actual: number, lower: number, upper: number): number {
  const outside = actual < lower ? lower - actual : actual > upper ? actual - upper : 0;
  return upper - lower + (2 / alpha) * outside;
}

/** The continuous ranked probability score of an ensemble: mean |x - y| less half the mean |x - x'| over all pairs. */
export function crpsEnsemble(members: readonly number[], actual: number): number {
  const spread = mean(members.map((member) => mean(members.map((other) => Math.abs(member - other)))));
  return mean(members.map((member) => Math.abs(member - actual))) - spread / 2;
}

/**
 * The sample quantile of sorted values by linear interpolation between plotting positions (R. J. Hyndman and Y. Fan 1996):
 * `alpha` and `beta` of 1 are their type 7, of 0 type 6, of 1/3 type 8, of 3/8 type 9, of 1/2 type 5.
 */
export function quantileOf(sorted: ArrayLike<number>, quantile: number, alpha = 1, beta = alpha): number {
  const { length } = sorted;
  const place = length * quantile + alpha + quantile * (1 - alpha - beta) - 1;
  const at = Math.min(length - 1, Math.max(0, place));
  const below = Math.floor(at);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (at - below);
}

/**
 * Split conformal (V. Vovk and others 2005): of n past scores the k-th smallest with k = ceil((n+1)·(1-α)) is exceeded
 * by the next one with at most α; infinite where there are too few.
 */
export function conformalQuantile(
  sorted: ArrayLike<number>,
  alpha: number,
): { readonly rank: number; readonly quantile: number } {
  // The product may lie a hair above a whole number that it is meant to be.
  const rank = Math.ceil((sorted.length + 1) * (1 - alpha) - 1e-9);
  return { rank, quantile: rank > sorted.length ? Number.POSITIVE_INFINITY : (sorted[rank - 1] ?? Number.NaN) };
}

/** I. Gibbs and E. Candès 2021: α_{t+1} = α_t + γ·(target - missed_t), so that the share of misses follows the target. */
export function adaptAlpha(alpha: number, target: number, gamma: number, missed: boolean): number {
  return alpha + gamma * (target - (missed ? 1 : 0));
}
