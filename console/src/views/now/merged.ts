/** What was read of the journal and what the stream has told since, as one list, oldest first. Pure. */
import type { JournalEntryView } from '../../../../src/api/schemas.ts';

export function merged(
  read: readonly JournalEntryView[],
  told: readonly JournalEntryView[],
  fits: (entry: JournalEntryView) => boolean,
): readonly JournalEntryView[] {
  const byId = new Map<number, JournalEntryView>();
  for (const entry of [...read, ...told]) if (fits(entry)) byId.set(entry.id, entry);
  return [...byId.values()].sort((a, b) => a.id - b.id);
}
