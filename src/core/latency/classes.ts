/**
 * What of a call's circumstances its time depends on, as classes: the rows it has, how long its replica had rested before
 * it, how many replicas compute at the same time, and how many calls its replica had answered before.
 */

/** Rows by doublings: 1, 2, 3 and 4, 5 to 8, … up to 1024. */
export const rowClasses = 11;
export const rowClassOf = (rows: number): number => Math.min(rows <= 1 ? 0 : 32 - Math.clz32(rows - 1), rowClasses - 1);

/**
 * Milliseconds of rest from which each class is. A CPU quota is dealt out every 100 ms: a replica that comes from a call
 * has used up what it had, one that has rested for a whole period has it all.
 */
export const restFromMs = [0, 10, 100] as const;
export function restClassOf(restMs: number): number {
  let found = 0;
  while (found + 1 < restFromMs.length && restMs >= (restFromMs[found + 1] as number)) found += 1;
  return found;
}

/** Busy replicas, the call's own among them, by doublings: 1, 2, 3 and 4, … */
export const busyClasses = 11;
export const busyFromOf = (busyClass: number): number => (busyClass === 0 ? 1 : 2 ** (busyClass - 1) + 1);
export const busyClassOf = (busy: number): number =>
  Math.min(busy <= 1 ? 0 : 32 - Math.clz32(busy - 1), busyClasses - 1);

/** A replica's first call, its first few, those until what is compiled on the way has been, and all later ones. */
export const callFrom = [1, 2, 5, 17] as const;
export function callClassOf(nth: number): number {
  let found = 0;
  while (found + 1 < callFrom.length && nth >= (callFrom[found + 1] as number)) found += 1;
  return found;
}
