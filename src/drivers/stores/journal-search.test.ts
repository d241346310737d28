import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { chained, journalStart } from '../../journal/entry.ts';
import { searchJournal, statementFor } from './journal-search.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { sqliteDrive } from './sqlite-drive.ts';
import { migrate, migrations } from './sqlite-migrations.ts';

test('no question makes SQLite look at every entry or sort them', () => {
  using database = new DatabaseSync(':memory:');
  migrate(database, 'here');
  const both = [false, true];
  for (const subject of both)
    for (const kind of both)
      for (const since of both)
        for (const late of both)
          for (const newestFirst of both) {
            const text = statementFor({ subject, kind, since, late, newestFirst }, sqliteDialect);
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
  assert.deepEqual(
    sqliteDrive(database)(searchJournal(sqliteDialect, { since: 11, until: 12 })).map(({ id }) => id),
    [2, 3],
  );
  database.close();
});
