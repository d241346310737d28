/**
 * The journal's steps on a SQLite connection (sqlite-steps.ts has the rest). Entries stand as they were hashed; the last
 * one written and the last one removed are kept beside them, so that a missing end or beginning is seen.
 */
import type { DatabaseSync } from 'node:sqlite';
import { FlyballError } from '../../errors.ts';
import { journalStart, type JournalCheckpoint, type JournalEntry, type JournalMark } from '../../journal/entry.ts';
import type { StoreSteps } from './sqlite-steps.ts';

const headKey = 'journal.head';
const checkpointKey = 'journal.checkpoint';
const listed = 100;

type JournalSteps = Pick<
  StoreSteps,
  'appendJournal' | 'journal' | 'journalEntry' | 'journalHead' | 'journalBefore' | 'pruneJournal' | 'journalCheckpoint'
>;

export function sqliteJournalSteps(database: DatabaseSync, atomically: (change: () => void) => void): JournalSteps {
  const sql = (text: string) => database.prepare(text);
  const where = `(?1 IS NULL OR subject = ?1) AND (?2 IS NULL OR kind = ?2) AND id > ?3
    AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR at <= ?5)`;
  const prepared = {
    append: sql('INSERT INTO journal (id, record) VALUES (?, ?)'),
    oldest: sql(`SELECT record FROM journal WHERE ${where} ORDER BY id LIMIT ?6`),
    newest: sql(`SELECT record FROM journal WHERE ${where} ORDER BY id DESC LIMIT ?6`),
    one: sql('SELECT record FROM journal WHERE id = ?'),
    // A clock that jumped back leaves younger numbers with older times: only the beginning goes.
    before: sql(
      `SELECT record FROM journal WHERE id = max(
         coalesce((SELECT min(id) - 1 FROM journal WHERE at >= ?1), (SELECT max(id) FROM journal)),
         (SELECT max(id) FROM journal) - ?2)`,
    ),
    prune: sql('DELETE FROM journal WHERE id <= ?'),
    meta: sql('SELECT value FROM meta WHERE key = ?'),
    setMeta: sql('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)'),
  };
  const entryOf = (row: Record<string, unknown> | undefined): JournalEntry | undefined =>
    row === undefined ? undefined : (JSON.parse(String(row['record'])) as JournalEntry);
  const kept = (key: string): unknown => {
    const value = prepared.meta.get(key)?.['value'];
    return value === undefined ? undefined : JSON.parse(String(value));
  };
  const head = (): JournalMark => (kept(headKey) as JournalMark | undefined) ?? journalStart;

  return {
    appendJournal: (entries) =>
      atomically(() => {
        let { id, hash } = head();
        for (const entry of entries) {
          if (entry.id !== id + 1 || entry.before !== hash) {
            throw new FlyballError('CONFLICT', `expected the journal entry after ${id}, got ${entry.id}`);
          }
          prepared.append.run(entry.id, JSON.stringify(entry));
          ({ id, hash } = entry);
        }
        prepared.setMeta.run(headKey, JSON.stringify({ id, hash }));
      }),
    journal: (query = {}) => {
      const { subject = null, kind = null, after = 0, since = null, until = null, limit = listed } = query;
      const statement = query.newestFirst === true ? prepared.newest : prepared.oldest;
      return statement.all(subject, kind, after, since, until, limit).map((row) => entryOf(row) as JournalEntry);
    },
    journalEntry: (id) => entryOf(prepared.one.get(id)),
    journalHead: head,
    journalBefore: ({ at, keep }) => entryOf(prepared.before.get(at, keep)),
    pruneJournal: (checkpoint) =>
      atomically(() => {
        prepared.prune.run(checkpoint.id);
        prepared.setMeta.run(checkpointKey, JSON.stringify(checkpoint));
      }),
    journalCheckpoint: () => kept(checkpointKey) as JournalCheckpoint | undefined,
  };
}
