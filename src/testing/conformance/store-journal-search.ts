/** What every store must do. Of searching the journal: whatever is asked, and whatever the clock did. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { chained, type JournalEntry } from '../../journal/entry.ts';
import type { JournalQuery } from '../../store/store.ts';
import type { StoreCheck } from './store-check.ts';

const subjects = ['a', 'b', 'c'];
const kinds = ['change', 'decision'] as const;

/** Times go on, stand still, and at times jump back or far ahead, as a wall clock may. */
const steps = fc.array(
  fc.record({
    subject: fc.constantFrom(...subjects),
    kind: fc.constantFrom(...kinds),
    passed: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 3 }) }, fc.integer({ min: -30, max: 30 })),
  }),
  { maxLength: 40 },
);
const some = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const queries: fc.Arbitrary<JournalQuery> = fc.record({
  subject: some(fc.constantFrom(...subjects)),
  subjects: some(fc.subarray(subjects)),
  kind: some(fc.constantFrom(...kinds)),
  after: some(fc.integer({ min: 0, max: 40 })),
  before: some(fc.integer({ min: 0, max: 45 })),
  since: some(fc.integer({ min: 900, max: 1100 })),
  until: some(fc.integer({ min: 900, max: 1100 })),
  limit: some(fc.integer({ min: 1, max: 50 })),
  newestFirst: some(fc.boolean()),
});

/** Looks at every entry. */
function dumb(entries: readonly JournalEntry[], query: JournalQuery): number[] {
  const { subject, kind, after = 0, before = Infinity, since = 0, until = Infinity, limit = 100 } = query;
  const found = entries
    .filter((entry) => subject === undefined || entry.subject === subject)
    .filter((entry) => query.subjects === undefined || query.subjects.includes(entry.subject))
    .filter((entry) => kind === undefined || entry.kind === kind)
    .filter(({ id, at }) => id > after && id < before && at >= since && at <= until)
    .map(({ id }) => id);
  return (query.newestFirst === true ? found.toReversed() : found).slice(0, limit);
}

export function journalSearchChecks(check: StoreCheck): void {
  check('whatever the clock did, a search finds what looking at every entry finds, in their order', async (store) => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(queries, { minLength: 1, maxLength: 10 }),
        fc.nat(40),
        async (made, asked, gone) => {
          const head = await store().journalHead();
          let at = 1000;
          const entries = chained(
            head,
            made.map(({ passed, ...note }) => ({ ...note, action: 'x', by: 'ada', reason: 'y', at: (at += passed) })),
          );
          // What earlier runs wrote goes, and some of the beginning of this one's.
          if (entries.length > 0) await store().appendJournal(entries);
          const id = head.id + Math.min(gone, entries.length);
          await store().pruneJournal({ id, hash: '', lastAt: 0, at: 0, retention: 'none' });
          const left = entries.filter((entry) => entry.id > id);
          for (const query of asked) {
            const moved = shifted(query, head.id);
            const found = (await store().journal(moved)).map((entry) => entry.id);
            assert.deepEqual(found, dumb(left, moved));
          }
        },
      ),
      { numRuns: 40 },
    );
  });
}

/** Numbers go on from run to run. */
function shifted({ after, before, ...query }: JournalQuery, by: number): JournalQuery {
  return {
    ...query,
    ...(after !== undefined && { after: after + by }),
    ...(before !== undefined && { before: before + by }),
  };
}
