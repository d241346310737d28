/**
 * A signal: one measurement with its age and how far it can be believed. What is not known is never a zero: an absent
 * signal has the value NaN, so a rule that forgets to ask gives a target that is no number, which reconcile refuses,
 * and never a fleet of none. One shape for every kind: a rehearsal makes a dozen of them a simulated second.
 */

export type SignalKind =
  | 'fresh'
  /** Known, and older than its source promises. */
  | 'stale'
  /** Never known, or not for so long that the last value says nothing. */
  | 'absent'
  /** Two sources disagree; the value is the one that asks for more capacity. */
  | 'contradictory';

export interface Signal {
  readonly kind: SignalKind;
  /** NaN when absent. */
  readonly value: number;
  /** Milliseconds since it was true; infinite when absent. */
  readonly ageMs: number;
}

export const absent: Signal = { kind: 'absent', value: Number.NaN, ageMs: Number.POSITIVE_INFINITY };

export function fresh(value: number, ageMs = 0): Signal {
  // A source that sends NaN or infinity knows nothing.
  return Number.isFinite(value) ? { kind: 'fresh', value, ageMs } : absent;
}

/** How old a signal of one source may grow. */
export interface Freshness {
  /** Older than this is stale. */
  readonly staleMs: number;
  /** Older than this is absent. */
  readonly absentMs: number;
}

/** What a reading taken at `readAt` is worth at `at`. A reading from the future (a clock went back) is as of now. */
export function aged(value: number, readAt: number, at: number, { staleMs, absentMs }: Freshness): Signal {
  const ageMs = Math.max(0, at - readAt);
  if (!Number.isFinite(value) || ageMs > absentMs) return absent;
  return { kind: ageMs > staleMs ? 'stale' : 'fresh', value, ageMs };
}

/**
 * Two sources of one quantity, where a larger value asks for more capacity. They contradict each other when both are
 * fresh and differ by more than `apart` of the larger one and by more than `noise` in the signal's own unit.
 */
export function agreed(left: Signal, right: Signal, apart: number, noise: number): Signal {
  if (left.kind !== 'fresh') return right.kind === 'fresh' || left.kind === 'absent' ? right : left;
  if (right.kind !== 'fresh') return left;
  const larger = left.value >= right.value ? left : right;
  const difference = Math.abs(left.value - right.value);
  if (difference <= noise || difference <= apart * Math.abs(larger.value)) return left;
  return { kind: 'contradictory', value: larger.value, ageMs: Math.max(left.ageMs, right.ageMs) };
}

/** Why a rule that rests on this signal may raise or hold but never lower; undefined while it is fresh. */
export function doubtOf(name: string, signal: Signal): string | undefined {
  if (signal.kind === 'fresh') return undefined;
  if (signal.kind === 'absent') return `${name} is not known`;
  if (signal.kind === 'stale') return `${name} is ${Math.round(signal.ageMs / 1000)} s old`;
  return `the sources of ${name} disagree`;
}
