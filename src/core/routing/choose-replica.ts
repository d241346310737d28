/**
 * Which replica gets the next call: the one with the least outstanding work that has room, the longest unused among
 * equals (so that replicas under a CPU quota take turns). Ejected ones are passed over unless nobody else is left:
 * routing to a suspect is better than refusing everyone.
 */
import type { ReplicaHealth } from './replica-health.ts';

export interface Candidate {
  readonly health: ReplicaHealth;
  readonly outstandingCalls: number;
  readonly outstandingRows: number;
  /** Grows with each choice; the smaller, the longer unused. */
  readonly lastUsed: number;
}

/** True when it would be given a call, room or not. */
export function takesWork(candidate: Candidate, alone: boolean): boolean {
  if (alone) return true;
  if (candidate.health.kind === 'ejected') return false;
  return candidate.health.kind === 'healthy' || candidate.outstandingCalls === 0;
}

/** `depth` is the number of calls that a replica may have at once. Undefined when none has room. */
export function chooseReplica<Replica extends Candidate>(
  candidates: readonly Replica[],
  depth: number,
): Replica | undefined {
  let best: Replica | undefined;
  let sound = 0;
  for (const candidate of candidates) {
    if (candidate.health.kind !== 'ejected') sound += 1;
    if (candidate.outstandingCalls >= depth || !takesWork(candidate, false)) continue;
    if (best === undefined || isLess(candidate, best)) best = candidate;
  }
  if (best !== undefined || sound > 0) return best;
  for (const candidate of candidates) {
    if (candidate.outstandingCalls < depth && (best === undefined || isLess(candidate, best))) best = candidate;
  }
  return best;
}

function isLess(one: Candidate, other: Candidate): boolean {
  if (one.outstandingCalls !== other.outstandingCalls) return one.outstandingCalls < other.outstandingCalls;
  if (one.outstandingRows !== other.outstandingRows) return one.outstandingRows < other.outstandingRows;
  return one.lastUsed < other.lastUsed;
}
