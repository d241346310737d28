/** Removes what has grown too old from the journal and the series, by the settings that were applied last. */
import { keptMs as requestKeptMs } from '../api/idempotency/judge.ts';
import type { Clock } from '../clock.ts';
import { journalDefaults, seriesDefaults, toBytes, type Specification } from '../config/specification.ts';
import type { Journal } from '../journal/open-journal.ts';
import type { Series } from '../series/open-series.ts';
import type { Store } from '../store/store.ts';
import { periodically } from './periodically.ts';

/** With an Idempotency-Key. */
const requestsMax = 10_000;
const everyMs = 600_000;
/** Sooner the first time: one that is started again every few minutes must not grow for ever. */
const firstMs = 30_000;

/** Returns the end of it. */
export function startPruning(
  journal: Journal,
  series: Pick<Series, 'tidy'>,
  store: Store,
  clock: Clock,
): () => Promise<void> {
  // A specification that was applied before there were such settings has none.
  const settings = async (): Promise<Partial<Specification>> => (await store.applied())?.resolved.specification ?? {};
  const inTurns = (where: string, work: () => Promise<void>): (() => Promise<void>) =>
    periodically(clock, everyMs, where, work, firstMs);
  const ends = [
    inTurns('pruning the journal', async () => {
      await journal.prune((await settings()).journal ?? journalDefaults);
    }),
    inTurns('forgetting requests', () =>
      store.pruneRequests({ before: clock.wall() - requestKeptMs, keep: requestsMax }),
    ),
    inTurns('tidying series', async () => {
      const { fineMs, coarseMs, bytesMax } = (await settings()).series ?? seriesDefaults;
      await series.tidy({ fineMs, coarseMs, bytesMax: toBytes(bytesMax) });
    }),
  ];
  return async () => {
    await Promise.all(ends.map((end) => end()));
  };
}
