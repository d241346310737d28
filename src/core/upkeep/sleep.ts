/**
 * Whether a deployment of `replicas.min: 0` is awake. It decides from what gateways report and never counts replicas;
 * what follows of it (start, drain, stop) is reconcile's.
 *
 *   asleep ──(a request waits, a scale call, a new version that has to prove itself)──▶ awake
 *   awake ──(no request for idleMs; told to by a person or for memory)──▶ asleep
 *
 * Law: never put to sleep while a request waits or runs, while a first start is under way, or while nobody can tell.
 */

/** Over all gateways, at one moment. */
export interface Demand {
  /** Requests since the gateways started. Falls when a gateway starts anew: any change is a sign of life. */
  readonly arrivals: number;
  readonly waiting: number;
  /** Being computed, by the word of gateways or replicas, whichever is more. */
  readonly inFlight: number;
}

export type Wakefulness =
  | { readonly kind: 'asleep' }
  /** `activeAt`: the last moment at which it was asked, or could not be shown to be idle. */
  | { readonly kind: 'awake'; readonly activeAt: number; readonly arrivals: number };

export interface SleeperSeen {
  readonly min: number;
  readonly idleMs: number;
  /** Absent while no gateway, or not every one, has told: then nobody knows that nobody asks. */
  readonly demand: Demand | undefined;
  /** A version is wanted that does not serve yet and has not failed: it is loaded once before it takes over. */
  readonly unproved: boolean;
  /** A replica is being started that has not failed before: it may not be ended before it has ever been ready. */
  readonly starting: boolean;
}

export const asleep: Wakefulness = { kind: 'asleep' };

export function awakeAt(at: number, arrivals = -1): Wakefulness {
  return { kind: 'awake', activeAt: at, arrivals };
}

export function attend(before: Wakefulness, seen: SleeperSeen, at: number): Wakefulness {
  const { demand } = seen;
  const arrivals = demand?.arrivals ?? (before.kind === 'awake' ? before.arrivals : -1);
  if (seen.min > 0 || seen.unproved || (demand?.waiting ?? 0) > 0) return awakeAt(at, arrivals);
  // A request that arrived and was gone again (it hung up, its deadline passed) wakes nobody.
  if (before.kind === 'asleep') return before;
  const idle = demand !== undefined && demand.inFlight === 0 && arrivals === before.arrivals && !seen.starting;
  if (!idle) return awakeAt(at, arrivals);
  return at - before.activeAt >= seen.idleMs ? asleep : before;
}
