/**
 * Whether a replica takes work from whoever acts under this token of control's lease. Control names its token with each
 * question, a gateway that of the tables which it acts on with each call; where there is no lease, all name 0.
 *
 * A new control asks its replicas before every gateway has its tables, and no request is to fail by that: work under the
 * token before is taken for a while after a higher one was first heard. Whoever names it still, later, is cut off from the
 * control that acts and does not know what it has changed.
 * Invariant: the token never falls.
 */

export interface FenceStanding {
  /** The highest that was heard; 0 before any. */
  readonly token: number;
  /** When that one was heard for the first time. */
  readonly since: number;
}

/** A gateway has the tables of the control that acts within some seconds, or cannot reach it. */
export const overlapMs = 60_000;

export const unfenced: FenceStanding = { token: 0, since: Number.NEGATIVE_INFINITY };

export function hear(standing: FenceStanding, token: number, at: number): FenceStanding {
  return token > standing.token ? { token, since: at } : standing;
}

export function isTaken(standing: FenceStanding, token: number, at: number): boolean {
  return token >= standing.token || at - standing.since < overlapMs;
}
