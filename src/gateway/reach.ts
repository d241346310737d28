/**
 * Whether a replica of a version can be reached, and what follows for those who wait while none can:
 *
 *   reachable ──the last one is gone──▶ out of reach ──somebody waits──▶ told ──one can be reached──▶ woken
 *       ▲──────────────────────────────────── first answer ────────────────────────────────────────────┘
 *
 * Control is told once, so that it brings one. How long the first of them waited for its answer is kept.
 */
import type { DeploymentRoute, VersionObservation } from './routing-table.ts';

/** Where nobody has measured yet how long a replica takes to start. */
const startSecondsUnknown = 2;

/** How soon a caller may come back who found no replica: by then one that is on its way should be there. */
export function notReadyRetrySeconds({ startSeconds = startSecondsUnknown }: DeploymentRoute): number {
  return startSeconds;
}

export class Reach {
  /** Without a replica one comes for whoever waits. */
  wakes = false;
  /** See {@link notReadyRetrySeconds}. */
  retrySeconds = startSecondsUnknown;
  /** How long it takes until there is one; undefined when nothing is known of that. */
  startMs: number | undefined;
  readonly #onWaiting: () => void;
  /** Since when none can be reached; undefined when one can. */
  #outSince: number | undefined;
  /** The table had one that is ready when this was last heard of. */
  #listed = false;
  #told = false;
  /** Arrival of the first that waited for the replica that has just come, until the answer. */
  #wokenFor: number | undefined;
  #woken: VersionObservation['woken'];

  constructor(at: number, onWaiting: () => void) {
    this.#outSince = at;
    this.#onWaiting = onWaiting;
  }

  get reachable(): boolean {
    return this.#outSince === undefined;
  }

  /** The last first answer after a wait for a replica. */
  get woken(): VersionObservation['woken'] {
    return this.#woken;
  }

  follow(deployment: DeploymentRoute): void {
    const { startSeconds } = deployment;
    this.wakes = deployment.wakes === true;
    this.retrySeconds = notReadyRetrySeconds(deployment);
    this.startMs = startSeconds === undefined ? undefined : startSeconds * 1000;
  }

  /** Milliseconds for which none could be reached; 0 when one can. */
  outMs(at: number): number {
    return this.#outSince === undefined ? 0 : at - this.#outSince;
  }

  /** Somebody has found nobody; `first` when nobody waited before. */
  missed(first: boolean): void {
    if (this.#told && !first) return;
    this.#told = true;
    this.#onWaiting();
  }

  /** `listed`: the table has one that is ready. Time in which it has none is not time in which one was out of reach. */
  lost(listed: boolean, at: number): void {
    if (listed && this.#listed) this.#outSince ??= at;
    else this.#outSince = at;
    this.#listed = listed;
  }

  /** `waitingSince` is the arrival of who has waited longest; Infinity when nobody waits. */
  found(waitingSince: number, at: number): void {
    if (this.#told && waitingSince !== Infinity) this.#wokenFor = Math.min(waitingSince, at);
    this.#told = false;
    this.#listed = true;
    this.#outSince = undefined;
  }

  /** `wall` in Unix milliseconds. */
  answered(at: number, wall: number): void {
    if (this.#wokenFor === undefined) return;
    this.#woken = { at: wall, totalMs: at - this.#wokenFor };
    this.#wokenFor = undefined;
  }
}
