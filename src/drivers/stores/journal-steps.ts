/**
 * The journal's steps (steps.ts has the rest). Entries stand as they were hashed; the last one written and the last one
 * removed are kept beside them, so that a missing end or beginning is seen.
 */
import { FlyballError } from '../../errors.ts';
import { journalStart, type JournalCheckpoint, type JournalEntry, type JournalMark } from '../../journal/entry.ts';
import type { Dialect } from './dialect.ts';
import { searchJournal } from './journal-search.ts';
import { setMetaText } from './meta.ts';
import { change, first, one, read, recordOf, run, type Row, type Work } from './statement.ts';
import type { StoreSteps } from './steps.ts';

const headKey = 'journal.head';
const checkpointKey = 'journal.checkpoint';
type JournalSteps = Pick<
  StoreSteps,
  'appendJournal' | 'journal' | 'journalEntry' | 'journalHead' | 'journalBefore' | 'pruneJournal' | 'journalCheckpoint'
>;

const toEntry = (row: Row): JournalEntry => recordOf(row) as JournalEntry;
const oneText = 'SELECT record FROM journal WHERE id = ?1';

function* kept(key: string): Work<unknown> {
  const row = yield* first('SELECT value FROM meta WHERE key = ?1', key);
  return row === undefined ? undefined : JSON.parse(String(row['value']));
}

function* head(): Work<JournalMark> {
  return ((yield* kept(headKey)) as JournalMark | undefined) ?? journalStart;
}

/** CONFLICT unless they follow one another and `mark`. */
function endOf(mark: JournalMark, entries: readonly JournalEntry[]): JournalMark {
  let { id, hash } = mark;
  for (const entry of entries) {
    if (entry.id !== id + 1 || entry.before !== hash) {
      throw new FlyballError('CONFLICT', `expected the journal entry after ${id}, got ${entry.id}`);
    }
    ({ id, hash } = entry);
  }
  return { id, hash };
}

export function journalSteps(dialect: Dialect): JournalSteps {
  return {
    appendJournal: (entries) =>
      change(function* () {
        const last = yield* head();
        const end = endOf(last, entries);
        const before = yield* first('SELECT high_at FROM journal WHERE id = ?1', last.id);
        let highAt = Number(before?.['high_at'] ?? 0);
        for (const entry of entries) {
          highAt = Math.max(highAt, entry.at);
          yield dialect.appendEntry(entry, highAt);
        }
        yield* run(setMetaText, headKey, JSON.stringify(end));
      }),
    journal: (query = {}) => read(() => searchJournal(dialect, query)),
    journalEntry: (id) => one(toEntry, oneText, id),
    journalHead: () => read(head),
    journalBefore: ({ at, keep }) =>
      read(function* () {
        const last = Number((yield* first('SELECT max(id) AS last FROM journal'))?.['last'] ?? 0);
        // A clock that jumped back leaves younger numbers with older times: only the beginning goes.
        const row = yield* first(oneText, Math.max((yield* dialect.firstAt(at)) - 1, last - keep));
        return row === undefined ? undefined : toEntry(row);
      }),
    pruneJournal: (checkpoint) =>
      change(function* () {
        yield* run('DELETE FROM journal WHERE id <= ?1', checkpoint.id);
        yield* run(setMetaText, checkpointKey, JSON.stringify(checkpoint));
      }),
    journalCheckpoint: () =>
      read(function* () {
        return (yield* kept(checkpointKey)) as JournalCheckpoint | undefined;
      }),
  };
}
