/**
 * Requests whose head has been let pass and whose body is on its way. One counts for a moment only: whoever sends heads
 * and no bodies must not keep others out for longer.
 */

/** A body that is longer on its way than this may be long in coming. */
const expectedMs = 100;

export interface Expected {
  /** How many there are at `at`, in milliseconds that only grow. */
  count(at: number): number;
  /** The returned function ends the waiting for it; later calls do nothing. */
  add(at: number): () => void;
}

export function createExpected(): Expected {
  /** In the order of their coming, so that the first is the oldest. */
  const since = new Map<object, number>();
  return {
    count(at) {
      for (const [one, cameAt] of since) {
        if (at - cameAt < expectedMs) break;
        since.delete(one);
      }
      return since.size;
    },
    add(at) {
      const one = {};
      since.set(one, at);
      return () => void since.delete(one);
    },
  };
}
