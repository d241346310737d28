/**
 * A slice of the journal as a file, as `flyball journal export` writes it: one entry a line, oldest first, of every kind
 * and subject whatever the filter shows, since a chain with gaps cannot be held.
 */
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import type { AskJournal } from './book.ts';
import { isoWithOffset } from '../../format/time.ts';
import type { Span } from '../deployment/range.ts';

const pageMax = 1000;
/** More is for the command line, which writes to a file as it reads. */
export const exportedMax = 20_000;

export interface Exported {
  readonly entries: readonly JournalEntryView[];
  /** There are more than are exported here. */
  readonly isCut: boolean;
}

export async function entriesBetween({ from, to }: Span, ask: AskJournal, signal: AbortSignal): Promise<Exported> {
  const entries: JournalEntryView[] = [];
  for (let after = 0; ;) {
    const limit = Math.min(pageMax, exportedMax + 1 - entries.length);
    const query = { since: Math.round(from), until: Math.round(to), after, limit };
    const page = await ask(query, signal);
    entries.push(...page);
    if (entries.length > exportedMax) return { entries: entries.slice(0, exportedMax), isCut: true };
    if (page.length < limit) return { entries, isCut: false };
    after = page.at(-1)?.id ?? after;
  }
}

const fileTime = (at: number): string => isoWithOffset(Math.round(at), 'UTC').replace(/[:.]/g, '-');

export const sliceName = ({ from, to }: Span): string => `flyball-journal-${fileTime(from)}-${fileTime(to)}.ndjson`;
