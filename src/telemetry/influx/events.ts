/**
 * Entries of the journal as points: what the governor decided, and what else happened, each at its own time. Pure.
 * The entry's number is in the nanoseconds, so that two of one millisecond don't become one point.
 */
import type { JournalEntry } from '../../journal/entry.ts';
import { integer, text, type FieldValue, type Point } from './line-protocol.ts';

/** A string field may have 64 KiB; nobody reads so much in an annotation. */
const wordsMax = 1000;
const nanosecondsInMillisecond = 1_000_000;

export function toEvent(entry: JournalEntry, tags: Readonly<Record<string, string>>): Point {
  const { id, at, kind, action, subject, by, reason } = entry;
  const isDecision = kind === 'decision';
  const fields: Record<string, FieldValue> = {
    entry: integer(id),
    action: text(action.slice(0, wordsMax)),
    reason: text(reason.slice(0, wordsMax)),
    ...moveOf(action),
  };
  return {
    measurement: isDecision ? 'flyball_decision' : 'flyball_event',
    tags: { ...tags, [isDecision ? 'deployment' : 'subject']: subject, by, ...(!isDecision && { kind }) },
    fields,
    at: BigInt(Math.trunc(at)) * BigInt(nanosecondsInMillisecond) + BigInt(id % nanosecondsInMillisecond),
  };
}

/** `4 → 6`: a target that was moved. */
function moveOf(action: string): Record<string, FieldValue> {
  const [, from, to] = /^(\d+) → (\d+)$/.exec(action) ?? [];
  return from === undefined || to === undefined ? {} : { from: integer(Number(from)), to: integer(Number(to)) };
}
