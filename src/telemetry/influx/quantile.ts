/** A quantile of a histogram, estimated within its bucket. Pure. */

/**
 * As `histogram_quantile` of Prometheus: within a bucket, evenly; in the last one, its lower bound. `counts` of each
 * bucket on its own, one more than `bounds` (ascending); `quantile` from 0 to 1. Undefined where nothing was counted.
 */
export function quantileOf(bounds: readonly number[], counts: readonly number[], quantile: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (!(total > 0)) return undefined;
  const rank = quantile * total;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const upper = bounds[index];
      const lower = index === 0 ? 0 : (bounds[index - 1] ?? 0);
      return upper === undefined ? lower : lower + (upper - lower) * ((rank - below) / count);
    }
    below += count;
  }
  return bounds.at(-1);
}
