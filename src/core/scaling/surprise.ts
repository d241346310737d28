/**
 * Whether a load has jumped so that it can't wait for the next regular look: more waits than there are replicas, and
 * more than when somebody last looked. Gateways ask it before they tell control, control before it looks.
 */

export interface Queue {
  /** Requests that wait. */
  readonly queued: number;
  readonly ready: number;
}

/** Looks, and words of a gateway, are at least this far apart: shorter spans measure chance. Milliseconds. */
export const surpriseEveryMs = 100;

/** `before`: what waited when somebody last looked, and for how long that has been, in milliseconds. */
export function isSurprise(
  { queued, ready }: Queue,
  before: { readonly queued: number; readonly ageMs: number },
): boolean {
  return ready > 0 && queued > ready && queued > before.queued && before.ageMs >= surpriseEveryMs;
}
