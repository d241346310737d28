/** The journal as the API asks for it. */
import { FlyballError } from '../errors.ts';
import type { Journal } from '../journal/open-journal.ts';
import type { Store } from '../store/store.ts';
import type { ControlService } from './control-service.ts';

export function journalService(
  journal: Journal,
  store: Store,
): Pick<ControlService, 'journal' | 'journalEntry' | 'verifyJournal'> {
  return {
    journal: (filter, waitMs, signal) => journal.read(filter, waitMs, signal),
    async journalEntry(id) {
      const entry = await store.journalEntry(id);
      if (entry !== undefined) return entry;
      const { id: first = 0 } = (await store.journalCheckpoint()) ?? {};
      const hint = id <= first ? `entries up to ${first} were removed for their age` : 'it has not been written';
      throw new FlyballError('ENTRY_NOT_FOUND', `there is no journal entry ${id}: ${hint}`);
    },
    verifyJournal: () => journal.verify(),
  };
}
