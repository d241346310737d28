/** What the two databases call by different names. Everything else that the store says, both understand. */
import type { JournalEntry } from '../../journal/entry.ts';
import type { RehearsalRecord } from '../../store/store.ts';
import type { Statement, Work } from './statement.ts';

export interface Dialect {
  /** The condition that `column` is in the JSON array of texts that is parameter `place`. */
  readonly among: (column: string, place: number) => string;
  /** Now, by the database's own clock: Unix milliseconds. */
  readonly now: string;
  /** Keeps an entry; `highAt`: the latest time of any entry up to it. */
  readonly appendEntry: (entry: JournalEntry, highAt: number) => Statement;
  /** Names the index of entries that are out of order, where a database can be told which to use. */
  readonly outOfOrder: string;
  /** Number of the first entry of this time or later; one more than the last where there is none. */
  readonly firstAt: (at: number) => Work<number>;
  readonly putRehearsal: (record: RehearsalRecord) => Statement;
  /** A rehearsal's record without its `timelines`: lines over time are for who looks at one. */
  readonly rehearsalSummary: string;
}
