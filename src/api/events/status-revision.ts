/**
 * The status as watchers have it, and whether what is seen now is another. Pure.
 * Times and ages move whenever somebody looks, and a stream of nothing else would be work for nobody: what differs in
 * them alone is told every few seconds, since whoever has an age can count on from it.
 */
import type { StatusView } from '../schemas.ts';
import { statusFrame } from './frames.ts';

export interface StatusRevision {
  /** Grows by one with each that is told; the first is 1. */
  readonly revision: number;
  readonly frame: string;
  /** What it says beside times and ages. */
  readonly said: string;
  /** When it was told; milliseconds of any clock that only grows. */
  readonly at: number;
}

const agesEveryMs = 5000;

export function nextStatus(before: StatusRevision | undefined, view: StatusView, at: number): StatusRevision {
  const json = JSON.stringify(view);
  // In a string of the JSON the quotes would have a backslash before them.
  const said = json.replace(/"(?:at|ageMs)":[\d.]+,?/g, '');
  if (before !== undefined && before.said === said && at - before.at < agesEveryMs) return before;
  return { revision: (before?.revision ?? 0) + 1, frame: statusFrame(json), said, at };
}
