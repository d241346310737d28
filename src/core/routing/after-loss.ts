/**
 * What becomes of the requests that were in flight on a replica that died. Inference changes nothing, so running it
 * again elsewhere is safe, but only once: a request that kills replicas must not walk through all of them. They are
 * run again one by one, so that the killer, if there is one, takes nobody with it the second time.
 */

export interface InFlight {
  /** True when it has been run again before. */
  readonly retried: boolean;
}

export interface AfterLoss<Item> {
  readonly rerun: readonly Item[];
  readonly failed: readonly Item[];
}

export function afterLoss<Item extends InFlight>(items: readonly Item[], otherReplicas: number): AfterLoss<Item> {
  if (otherReplicas < 1) return { rerun: [], failed: items };
  return { rerun: items.filter((item) => !item.retried), failed: items.filter((item) => item.retried) };
}
