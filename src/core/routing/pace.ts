/**
 * How fast a replica is beside its siblings: a running mean of what its calls took ÷ what a call of that size takes the
 * version as a whole. Only comparisons between replicas mean anything.
 */

/** Weight of a new call; ten calls tell. */
const newest = 0.2;
/** One call that met a stall says little. */
const ratioMax = 20;

export const evenPace = 1;

export function learnPace(pace: number, tookMs: number, expectedMs: number | undefined): number {
  if (expectedMs === undefined || !(expectedMs > 0) || !(tookMs >= 0)) return pace;
  return pace + newest * (Math.min(tookMs / expectedMs, ratioMax) - pace);
}
