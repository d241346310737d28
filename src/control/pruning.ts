/** Removes what has grown too old from the journal, by the settings that were applied last. */
import type { Clock } from '../clock.ts';
import { journalDefaults } from '../config/specification.ts';
import type { Journal } from '../journal/open-journal.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';

const everyMs = 600_000;

/** Returns the end of it. */
export function startPruning(journal: Journal, store: Store, clock: Clock): () => Promise<void> {
  let running = Promise.resolve();
  let stopped = false;
  let cancel = (): void => {};

  async function prune(): Promise<void> {
    try {
      // A specification that was applied before there was such a setting has none.
      await journal.prune((await store.applied())?.resolved.specification.journal ?? journalDefaults);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      publish('flyball:fault', { where: 'pruning the journal', message, error });
    }
  }
  function next(): void {
    cancel = clock.after(everyMs, () => {
      running = prune().finally(() => {
        if (!stopped) next();
      });
    });
  }

  next();
  return () => {
    stopped = true;
    cancel();
    return running;
  };
}
