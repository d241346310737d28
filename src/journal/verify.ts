/**
 * Whether a journal is the one that was written. It follows the chain entry by entry from the checkpoint, or from the
 * start, and ends at the first that does not fit: what comes after it may be anything.
 */
import { hashOf, journalStart, type JournalCheckpoint, type JournalEntry, type JournalMark } from './entry.ts';

export interface Verdict {
  /** Entries that fit. */
  readonly entries: number;
  /** The last that fits. */
  readonly last: JournalMark;
  readonly checkpoint?: JournalCheckpoint;
  /** The first that does not: its number, and what is wrong with it. */
  readonly bad?: { readonly id: number; readonly problem: string };
}

export interface Verifier {
  /** Takes the next entry; false once something was wrong. */
  take(entry: JournalEntry): boolean;
  /** `head`: the last that is known to have been written, where somebody has kept it. */
  verdict(head?: JournalMark): Verdict;
}

export function startVerifier(checkpoint: JournalCheckpoint | undefined): Verifier {
  let last: JournalMark = checkpoint ?? journalStart;
  let entries = 0;
  let bad: Verdict['bad'];

  function problemOf(entry: JournalEntry): string | undefined {
    const { hash, ...rest } = entry;
    const expected = last.id + 1;
    if (entry.id !== expected) return `expected entry ${expected}, got ${entry.id}: what is between them is missing`;
    if (entry.before !== last.hash) return `it does not follow entry ${last.id}: that one, or this one, was changed`;
    return hashOf(rest) === hash ? undefined : 'its content is not what was written';
  }

  return {
    take(entry) {
      if (bad !== undefined) return false;
      const problem = problemOf(entry);
      if (problem !== undefined) {
        bad = { id: entry.id, problem };
        return false;
      }
      last = { id: entry.id, hash: entry.hash };
      entries += 1;
      return true;
    },
    verdict(head) {
      let end = bad;
      if (end === undefined && head !== undefined && (head.id !== last.id || head.hash !== last.hash)) {
        const problem =
          head.id > last.id
            ? `it is missing: entries up to ${head.id} have been written`
            : `it was added from outside: entries up to ${head.id} have been written`;
        end = { id: Math.min(head.id, last.id) + 1, problem };
      }
      return {
        entries,
        last: { id: last.id, hash: last.hash },
        ...(checkpoint === undefined ? {} : { checkpoint }),
        ...(end === undefined ? {} : { bad: end }),
      };
    },
  };
}
