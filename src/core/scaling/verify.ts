/**
 * Whether a change of target did what it was for, judged once its lag has passed. Pure.
 *
 *   raised, replicas missing ───────────────▶ not ready: no more are ordered; once more, and those that are missing go
 *   raised in trouble, and no better ───────▶ no help: the bottleneck is elsewhere; back, and no raise for a while
 *   raised in time, and most are late now ──▶ no help, too, where no more is answered than could be before
 *   lowered, and requests are late now ─────▶ harmed: back
 *   anything else ──────────────────────────▶ helped
 */

/** Rates over some seconds before, and after. Requests per second. */
export interface Health {
  readonly completed: number;
  readonly late: number;
  readonly queued: number;
  /** On their way in replicas: requests that only wait somewhere else have not been helped. */
  readonly inFlight: number;
}

export interface Expectation {
  readonly from: number;
  readonly to: number;
  /** Replicas that were ready when it was ordered. */
  readonly ready: number;
  readonly before: Health;
  /**
   * Requests per second that `from` could hold by what one takes; 0 where that is not known. A load that had just begun
   * is hardly in what was answered before, and its growth is no merit of what was added.
   */
  readonly holds: number;
  /** Monotonic milliseconds: ordered, and when its effect is to be seen. */
  readonly at: number;
  readonly dueAt: number;
}

export type Verdict =
  | { readonly kind: 'helped'; readonly reason: string }
  | { readonly kind: 'not ready' | 'no help' | 'harmed'; readonly reason: string };

/** Share of the requests that may be late before that is called trouble. */
const lateShare = 0.02;
/**
 * The same for a raise that came before any trouble. Nobody knows what it would have been without it, and some that are
 * late may be those for whom it was not enough; that most are late is no want of replicas while those before could do more.
 */
const mostShare = 0.5;
/** More is served, or fewer wait, by at least this share: less is noise. */
const betterBy = 0.05;

const share = ({ completed, late }: Health): number => late / Math.max(completed, late, 1e-9);
/** A request that waits now and then while none is late is how a busy fleet looks; more that wait than are computed is not. */
const inTrouble = (health: Health): boolean =>
  share(health) > lateShare || (health.queued >= 1 && health.queued > health.inFlight);
const whole = (value: number): string => String(Math.round(value));

export function judge({ from, to, before, holds }: Expectation, ready: number, now: Health): Verdict {
  if (to > from && ready < to) {
    return { kind: 'not ready', reason: `${ready} of ${to} replicas are ready` };
  }
  const [heldBefore, heldNow] = [before.queued + before.inFlight, now.queued + now.inFlight];
  const rates = `${whole(before.completed)} → ${whole(now.completed)} answers/s, ${whole(before.queued)} → ${whole(now.queued)} queued`;
  if (to > from && (inTrouble(before) ? inTrouble(now) : share(now) > mostShare)) {
    const more = now.completed > Math.max(before.completed, holds) * (1 + betterBy);
    const fewer = heldNow < heldBefore * (1 - betterBy) || share(now) < share(before) * (1 - betterBy);
    if (!more && !fewer) return { kind: 'no help', reason: `${to - from} more replicas changed nothing: ${rates}` };
  }
  if (to < from && !inTrouble(before) && inTrouble(now)) {
    return { kind: 'harmed', reason: `with ${from - to} fewer, requests wait or are late: ${rates}` };
  }
  // Nobody can say any more what it would have been without them.
  const gone = to > from && now.completed < before.completed * (1 - betterBy) && !inTrouble(now);
  const missed = inTrouble(now) ? 'it was no better with them' : 'nobody missed them';
  const words = to < from ? missed : gone ? 'all is well, and less is asked by now' : 'it did what it was for';
  return { kind: 'helped', reason: `${words}: ${rates}` };
}
