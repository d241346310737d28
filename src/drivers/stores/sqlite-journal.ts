/**
 * The journal's steps on a SQLite connection (sqlite-steps.ts has the rest). Entries stand as they were hashed; the last
 * one written and the last one removed are kept beside them, so that a missing end or beginning is seen.
 */
import type { DatabaseSync } from 'node:sqlite';
import { FlyballError } from '../../errors.ts';
import { journalStart, type JournalCheckpoint, type JournalEntry, type JournalMark } from '../../journal/entry.ts';
import { sqliteJournalSearch } from './sqlite-journal-search.ts';
import type { StoreSteps } from './sqlite-steps.ts';

const headKey = 'journal.head';
const checkpointKey = 'journal.checkpoint';
type JournalSteps = Pick<
  StoreSteps,
  'appendJournal' | 'journal' | 'journalEntry' | 'journalHead' | 'journalBefore' | 'pruneJournal' | 'journalCheckpoint'
>;

export function sqliteJournalSteps(database: DatabaseSync, atomically: (change: () => void) => void): JournalSteps {
  const sql = (text: string) => database.prepare(text);
  const { search, firstAt } = sqliteJournalSearch(database);
  const prepared = {
    append: sql(
      `INSERT INTO journal (id, record, high_at)
       VALUES (?1, ?2, max(?3, coalesce((SELECT high_at FROM journal WHERE id = ?1 - 1), ?3)))`,
    ),
    one: sql('SELECT record FROM journal WHERE id = ?'),
    last: sql('SELECT max(id) AS last FROM journal'),
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
          prepared.append.run(entry.id, JSON.stringify(entry), entry.at);
          ({ id, hash } = entry);
        }
        prepared.setMeta.run(headKey, JSON.stringify({ id, hash }));
      }),
    journal: (query = {}) => search(query),
    journalEntry: (id) => entryOf(prepared.one.get(id)),
    journalHead: head,
    journalBefore: ({ at, keep }) => {
      const last = Number(prepared.last.get()?.['last'] ?? 0);
      // A clock that jumped back leaves younger numbers with older times: only the beginning goes.
      return entryOf(prepared.one.get(Math.max(firstAt(at) - 1, last - keep)));
    },
    pruneJournal: (checkpoint) =>
      atomically(() => {
        prepared.prune.run(checkpoint.id);
        prepared.setMeta.run(checkpointKey, JSON.stringify(checkpoint));
      }),
    journalCheckpoint: () => kept(checkpointKey) as JournalCheckpoint | undefined,
  };
}
