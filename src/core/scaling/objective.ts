/**
 * The latency that a deployment is held to: the declared one, else five times what one request takes alone, as the
 * warm-up measured it. A warm-up runs before the replica's share of a core is enforced, so a share below one makes that
 * longer. Replicas that start together warm up on a busy machine: the processor time that a call took says what it takes
 * alone, where one thread computes it.
 */

export interface WarmPoint {
  readonly rows: number;
  readonly ms: number;
  readonly processorMs?: number | undefined;
}

/** Where no objective is declared. */
export const serviceTimes = 5;

/** Milliseconds; undefined where neither is known. */
export function objectiveMs(
  declaredMs: number | undefined,
  curve: readonly WarmPoint[],
  cores: number | undefined,
): number | undefined {
  if (declaredMs !== undefined) return declaredMs;
  const alone = aloneMs(curve, cores);
  return alone === undefined ? undefined : serviceTimes * alone;
}

/** What one request takes of a replica that has nothing else to do. */
export function aloneMs(curve: readonly WarmPoint[], cores: number | undefined): number | undefined {
  const least = curve.reduce<WarmPoint | undefined>(
    (before, point) => (before === undefined || point.rows < before.rows ? point : before),
    undefined,
  );
  if (least === undefined) return undefined;
  const { ms, processorMs = ms } = least;
  return Math.min(ms, processorMs) / Math.min(1, cores ?? 1);
}
