/**
 * Which replica gets the next call: the one with the least outstanding work that has room, the longest unused among
 * equals (so that replicas under a CPU quota take turns). Ejected ones are passed over unless nobody else is left:
 * routing to a suspect is better than refusing everyone. One that is several times as slow as the best gets a call only
 * when so much waits that the others would need longer for it, and now and then, so that it is seen when it recovers.
 * One whose work is overdue gets no more until that has ended, and nobody waits for it because it was quick before: it
 * may be stuck, and what waits for it is lost.
 */
import type { ReplicaHealth } from './replica-health.ts';

export interface Candidate {
  readonly health: ReplicaHealth;
  readonly outstandingCalls: number;
  readonly outstandingRows: number;
  /** Grows with each choice; the smaller, the longer unused. */
  readonly lastUsed: number;
  /** Times as long as the average that its calls take. */
  readonly pace: number;
  /** It has been at what it has for far longer than that should take. */
  readonly overdue: boolean;
}

export interface Demand {
  /** Calls that a replica may have at once. */
  readonly depth: number;
  /** Calls that wait for a replica. */
  readonly waiting: number;
  /** Choices so far; `lastUsed` is one of them. */
  readonly uses: number;
}

/** Times the best one's pace from which a replica is slow: less is within what load and quotas do. */
export const slowFactor = 3;
/** A slow one that has been passed over this many times is tried. */
export const slowTrialEvery = 64;

/** True when it would be given a call, room or not. */
export function takesWork(candidate: Candidate, alone: boolean): boolean {
  if (alone) return true;
  if (candidate.health.kind === 'ejected') return false;
  return candidate.health.kind === 'healthy' || candidate.outstandingCalls === 0;
}

/** Undefined when none has room, or when those that have are so slow that waiting for the others is shorter. */
export function chooseReplica<Replica extends Candidate>(
  candidates: readonly Replica[],
  { depth, waiting, uses }: Demand,
): Replica | undefined {
  let best: Replica | undefined;
  let sound = 0;
  let fastest = Infinity;
  for (const { health, pace, overdue } of candidates) {
    if (health.kind === 'ejected' || overdue) continue;
    sound += 1;
    if (health.kind === 'healthy') fastest = Math.min(fastest, pace);
  }
  const slow = fastest * slowFactor;
  let quick = 0;
  let slowest: Replica | undefined;
  for (const candidate of candidates) {
    if (candidate.overdue) continue;
    if (candidate.pace <= slow && candidate.health.kind === 'healthy') quick += 1;
    if (candidate.outstandingCalls >= depth || !takesWork(candidate, false)) continue;
    if (candidate.pace > slow && candidate.health.kind === 'healthy') {
      if (uses - candidate.lastUsed >= slowTrialEvery) return candidate;
      if (slowest === undefined || candidate.pace < slowest.pace) slowest = candidate;
    } else if (best === undefined || isLess(candidate, best)) best = candidate;
  }
  if (best !== undefined) return best;
  // The quick ones are busy: while a slow one does one call, they do this many.
  if (slowest !== undefined && waiting >= (slowest.pace / fastest) * quick) return slowest;
  if (sound > 0) return undefined;
  for (const candidate of candidates) {
    if (candidate.outstandingCalls >= depth || candidate.overdue) continue;
    if (best === undefined || isLess(candidate, best)) best = candidate;
  }
  return best;
}

function isLess(one: Candidate, other: Candidate): boolean {
  if (one.outstandingCalls !== other.outstandingCalls) return one.outstandingCalls < other.outstandingCalls;
  if (one.outstandingRows !== other.outstandingRows) return one.outstandingRows < other.outstandingRows;
  return one.lastUsed < other.lastUsed;
}
