/**
 * What is remembered of a template's failures, and how long they delay the next start. A template is a version with
 * the settings that it is run with. No clock: times are monotonic milliseconds given by the caller.
 * Law: the delay never shrinks while failures follow each other, and never exceeds `backOffMaxMs`.
 */

export const backOffFirstMs = 1000;
export const backOffMaxMs = 60_000;
/** A replica that was ready this long has lived: its death says nothing about the next one's chances. */
export const livedMs = 10_000;

export interface Failure {
  /**
   * `load` never became ready and said why; `death` ended by itself; `rejected` took over and ended before it had proved
   * itself, so that what served before took over again.
   */
  readonly kind: 'load' | 'death' | 'rejected';
  /** Failures in a row, at least 1. */
  readonly count: number;
  /** The runtime itself said why it could not load; without it, it just ended, and the next may well come up. */
  readonly told?: boolean;
  readonly lastAt: number;
  readonly reason: string;
}

export interface FailureEvent {
  readonly kind: 'load' | 'death';
  readonly told?: boolean;
  readonly at: number;
  /** How long it had been ready; 0 when it never was. */
  readonly readyForMs: number;
  readonly reason: string;
}

export function noteFailure(before: Failure | undefined, event: FailureEvent): Failure {
  // Those of its replicas that end after it was rejected add nothing.
  if (before?.kind === 'rejected') return before;
  const inARow = event.readyForMs >= livedMs ? 0 : (before?.count ?? 0);
  const told = event.told === true ? { told: true } : {};
  return { kind: event.kind, count: inARow + 1, ...told, lastAt: event.at, reason: event.reason };
}

/** It cannot be loaded, by the runtime's own word or by trying twice: whoever waits for it waits for nothing. */
export function cannotLoad(failure: Failure | undefined): boolean {
  return failure?.kind === 'load' && (failure.told === true || failure.count > 1);
}

/** It has cost callers their answers once: only somebody who asks for it again gives it another chance. */
export function noteRejection(before: Failure | undefined, at: number): Failure {
  return { kind: 'rejected', count: before?.count ?? 1, lastAt: at, reason: before?.reason ?? 'it ended' };
}

/** A replica became ready: the load is proved, so that a failed one no longer counts; early deaths still do. */
export function noteReady(before: Failure | undefined): Failure | undefined {
  return before?.kind === 'load' ? undefined : before;
}

/** The first death is replaced at once; a load that failed is not tried again before a second has passed. */
export function delayMs(failure: Failure): number {
  if (failure.kind === 'rejected') return Number.POSITIVE_INFINITY;
  const doublings = failure.kind === 'death' ? failure.count - 2 : failure.count - 1;
  if (doublings < 0) return 0;
  return Math.min(backOffMaxMs, backOffFirstMs * 2 ** Math.min(doublings, 16));
}

/** When the next start is allowed; in the past where nothing holds it back. */
export function retryAt(failure: Failure | undefined): number {
  return failure === undefined ? Number.NEGATIVE_INFINITY : failure.lastAt + delayMs(failure);
}
