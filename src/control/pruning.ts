/** Removes what has grown too old from the journal, by the settings that were applied last. */
import type { Clock } from '../clock.ts';
import { journalDefaults } from '../config/specification.ts';
import type { Journal } from '../journal/open-journal.ts';
import type { Store } from '../store/store.ts';
import { periodically } from './periodically.ts';

const everyMs = 600_000;

/** Returns the end of it. */
export function startPruning(journal: Journal, store: Store, clock: Clock): () => Promise<void> {
  return periodically(clock, everyMs, 'pruning the journal', async () => {
    // A specification that was applied before there was such a setting has none.
    await journal.prune((await store.applied())?.resolved.specification.journal ?? journalDefaults);
  });
}
