/**
 * Whether a replica with work in flight hangs. Being late alone says nothing: a model may take its time. What hangs is
 * late by far *and* does not answer when it is asked how it is.
 *
 *   sound ──far beyond what its work should take──▶ ask ──no word for `silentMsMax`──▶ hung
 *     ▲──────────────── any word from it ─────────────┘
 *
 * Law: with more time and nothing heard a verdict only grows worse; a word makes it sound until the work is overdue anew.
 *
 * One that answers may be stuck in its work all the same, and nobody can tell that from a model that takes its time. So
 * nothing is done about it while somebody waits, but that no more is sent there; when nobody does, giving it up costs
 * no one an answer (see `unwantedMs` in src/gateway/routing-table.ts).
 */

export interface Evidence {
  /** Since it was given work with nothing else to do, or last made progress with it. */
  readonly busyForMs: number;
  /** What its outstanding work should take; undefined when nothing is known of it. */
  readonly expectedMs: number | undefined;
  /** Since the first question that it has not answered; undefined when none is open. */
  readonly askedForMs: number | undefined;
  /** Since it last answered a question; Infinity when it was never asked. */
  readonly heardForMs: number;
}

export type Verdict = 'sound' | 'ask' | 'hung';

/** Times what is expected: a machine under load is often three times as slow as its average. */
const overdueFactor = 4;
const overdueMsMin = 250;
/** Without an estimate. */
const overdueMsUnknown = 1000;
/** A process that is starved of its processor answers within this; one that is stopped never does. */
export const silentMsMax = 1000;

/** Milliseconds of work after which it is asked. */
export function overdueAfterMs(expectedMs: number | undefined): number {
  return expectedMs === undefined ? overdueMsUnknown : Math.max(overdueMsMin, expectedMs * overdueFactor);
}

export function isOverdue(busyForMs: number, expectedMs: number | undefined): boolean {
  return busyForMs > overdueAfterMs(expectedMs);
}

export function judge({ busyForMs, expectedMs, askedForMs, heardForMs }: Evidence): Verdict {
  if (askedForMs !== undefined) return askedForMs >= silentMsMax ? 'hung' : 'sound';
  const patience = overdueAfterMs(expectedMs);
  return busyForMs > patience && heardForMs > patience ? 'ask' : 'sound';
}
