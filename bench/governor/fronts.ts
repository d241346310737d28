/** What a parameter sweep shows: the cheapest cost at a violation level, and which points of another are dominated. */

export interface Point {
  readonly violations: number;
  readonly cost: number;
}

/** Fewer violations than this can't be told apart from none. */
const none = 1e-6;

/** Points that no other one beats in both, from dear and safe to cheap and late. */
export function frontOf(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.violations - b.violations || a.cost - b.cost);
  const front: Point[] = [];
  for (const point of sorted) if (point.cost < (front.at(-1)?.cost ?? Number.POSITIVE_INFINITY)) front.push(point);
  return front;
}

/**
 * Cost at a violation level: between the two points of the front around it, on a line over the logarithm of violations;
 * infinite where no point is as safe. A front that ends below the level is not continued.
 */
export function costAt(points: readonly Point[], level: number): number {
  const front = frontOf(points);
  const later = front.findIndex((point) => point.violations > level);
  if (later === 0 || front.length === 0) return Number.POSITIVE_INFINITY;
  const safe = front[later < 0 ? front.length - 1 : later - 1] as Point;
  if (later < 0) return safe.cost;
  const risky = front[later] as Point;
  const log = (violations: number): number => Math.log(Math.max(none, violations));
  const share = (log(level) - log(safe.violations)) / (log(risky.violations) - log(safe.violations));
  return safe.cost + (risky.cost - safe.cost) * (share > 0 ? share : 0);
}

/** Fewer late requests than this, in a run of an hour, are luck: two parties below it are equally safe. */
const noise = 1e-4;

/** Share of the points of `fronts` that `points` are as cheap at, and as safe. */
export function dominatedShare(points: readonly Point[], fronts: readonly Point[]): number {
  if (fronts.length === 0) return Number.NaN;
  const floored = points.map(({ violations, cost }) => ({ violations: Math.max(noise, violations), cost }));
  return (
    fronts.filter(({ violations, cost }) => costAt(floored, Math.max(noise, violations)) <= cost).length / fronts.length
  );
}
