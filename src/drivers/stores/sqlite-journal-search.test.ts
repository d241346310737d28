import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { chained, journalStart, type JournalEntry } from '../../journal/entry.ts';
import type { JournalQuery } from '../../store/store.ts';
import { migrate, migrations } from './migrations.ts';
import { sqliteJournalSearch, statementFor } from './sqlite-journal-search.ts';
import { sqliteJournalSteps } from './sqlite-journal.ts';

const subjects = ['a', 'b', 'c'];
const kinds = ['change', 'decision'] as const;

function journalOf(entries: readonly JournalEntry[]): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  migrate(database, 'here');
  sqliteJournalSteps(database, (change) => change()).appendJournal(entries);
  return database;
}

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

test('whatever the clock did, a search finds what looking at every entry finds, in the order of their numbers', () => {
  fc.assert(
    fc.property(steps, fc.array(queries, { minLength: 1, maxLength: 10 }), fc.nat(40), (made, asked, gone) => {
      let at = 1000;
      const entries = chained(
        journalStart,
        made.map(({ passed, ...note }) => ({ ...note, action: 'x', by: 'ada', reason: 'y', at: (at += passed) })),
      );
      using database = journalOf(entries);
      database.exec(`DELETE FROM journal WHERE id <= ${gone}`);
      const left = entries.slice(gone);
      const { search } = sqliteJournalSearch(database);
      for (const query of asked)
        assert.deepEqual(
          search(query).map(({ id }) => id),
          dumb(left, query),
        );
    }),
    { numRuns: 60 },
  );
});

test('no question makes SQLite look at every entry or sort them', () => {
  using database = journalOf([]);
  const both = [false, true];
  for (const subject of both)
    for (const kind of both)
      for (const since of both)
        for (const late of both)
          for (const newestFirst of both) {
            const text = statementFor({ subject, kind, since, late, newestFirst });
            const plan = database
              .prepare(`EXPLAIN QUERY PLAN ${text}`)
              .all({
                after: 0,
                before: 10,
                limit: 1,
                ...(subject && { subject: 'a' }),
                ...(kind && { kind: 'change' }),
                ...(since && { since: 1 }),
                ...(late && { until: 1 }),
              })
              .map((row) => String(row['detail']));
            assert.equal(plan.length, 1, `${text}: ${plan.join(' | ')}`);
            assert.match(plan[0] ?? '', /^SEARCH journal USING (?:INTEGER PRIMARY KEY|(?:COVERING )?INDEX)/, text);
            // What is asked for most decides: a subject by itself or with its kind is found by an index of its own.
            if (late) assert.match(plan[0] ?? '', /journal_out_of_order/, text);
            if (subject && !late) assert.match(plan[0] ?? '', /journal_by_subject/, text);
            else if (kind && !late) assert.match(plan[0] ?? '', /journal_by_kind/, text);
          }
});

test('a journal that an earlier release wrote is searched by time as well', () => {
  const database = new DatabaseSync(':memory:');
  migrate(database, 'here', migrations.slice(0, 4));
  const note = { kind: 'change', action: 'x', subject: 'a', by: 'ada', reason: 'y' } as const;
  for (const entry of chained(
    journalStart,
    [10, 12, 11, 15].map((at) => Object.assign({ at }, note)),
  ))
    database.prepare('INSERT INTO journal (id, record) VALUES (?, ?)').run(entry.id, JSON.stringify(entry));
  migrate(database, 'here');
  const { search } = sqliteJournalSearch(database);
  assert.deepEqual(
    search({ since: 11, until: 12 }).map(({ id }) => id),
    [2, 3],
  );
  database.close();
});
