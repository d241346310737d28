/** What one request takes of a replica, at the batch in use: a mean that follows, the last seconds first. */

/** Weight of a second's mean. */
const newest = 0.3;

/** Milliseconds; `before` is NaN before anything was measured. `busyMs` of replicas went into `completed` requests. */
export function measureService(before: number, busyMs: number, completed: number, spanMs: number): number {
  if (!(completed > 0 && busyMs > 0)) return before;
  const now = busyMs / completed;
  // Of a few requests, half is chance.
  return Number.isNaN(before) ? now : before + (1 - (1 - newest) ** (spanMs / 1000)) * (now - before);
}
