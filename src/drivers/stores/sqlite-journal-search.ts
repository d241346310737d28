/**
 * Searching the journal on a SQLite connection: whatever is asked for, only the rows that are answered are read, of a
 * million as of a hundred. Numbers are the order; times nearly follow it, since a wall clock may be put back and a note may
 * be written late. So each entry carries `high_at`, the latest time of any entry up to it, which only grows: the range of
 * numbers that a range of times may lie in is found by bisection, and the few that are out of order have an index.
 *
 *     number   1    2    3    4    5    6
 *     at      10   12   11   15   14   20      3 and 5 are out of order: at < high_at
 *     high_at 10   12   12   15   15   20      until 14 → all below 4, and of those out of order from 4 on: 5
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { JournalEntry } from '../../journal/entry.ts';
import type { JournalQuery } from '../../store/store.ts';

const listed = 100;

export interface JournalSearch {
  readonly search: (query: JournalQuery) => JournalEntry[];
  /** Number of the first entry of this time or later; one more than the last where there is none. */
  readonly firstAt: (at: number) => number;
}

/** The SQL for a shape of question. Every one has a bound of `id`, by which it is in order. */
export function statementFor(shape: Shape): string {
  const conditions = ['id > :after', 'id < :before'];
  if (shape.subject) conditions.push('subject = :subject');
  if (shape.kind) conditions.push('kind = :kind');
  if (shape.since) conditions.push('(at = high_at OR at >= :since)');
  if (shape.late) conditions.push('at < high_at AND at <= :until');
  const order = shape.newestFirst ? 'ORDER BY id DESC' : 'ORDER BY id';
  // They are few, and those of a subject after `until` may be many.
  const index = shape.late ? ' INDEXED BY journal_out_of_order' : '';
  return `SELECT id, record FROM journal${index} WHERE ${conditions.join(' AND ')} ${order} LIMIT :limit`;
}

export interface Shape {
  readonly subject: boolean;
  readonly kind: boolean;
  readonly since: boolean;
  /** Only what is out of order, of those up to `until`. */
  readonly late: boolean;
  readonly newestFirst: boolean;
}

interface Found {
  readonly id: number;
  readonly record: string;
}

export function sqliteJournalSearch(database: DatabaseSync): JournalSearch {
  const prepared = new Map<string, StatementSync>();
  const ends = database.prepare('SELECT min(id) AS first FROM journal');
  const newest = database.prepare('SELECT max(id) AS last FROM journal');
  const highAt = database.prepare('SELECT high_at FROM journal WHERE id = ?');

  function find(shape: Shape, values: Record<string, string | number>): Found[] {
    const text = statementFor(shape);
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = database.prepare(text);
      prepared.set(text, statement);
    }
    return statement.all(values).map((row) => ({ id: Number(row['id']), record: String(row['record']) }));
  }

  function firstAt(at: number): number {
    // Numbers have no gaps between the first and the last.
    let low = Number(ends.get()?.['first'] ?? 1);
    let high = Number(newest.get()?.['last'] ?? 0) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (Number(highAt.get(middle)?.['high_at']) >= at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  function searchOne(query: JournalQuery, subject: string | undefined): Found[] {
    const { kind, since, until, limit = listed, newestFirst = false } = query;
    const lower = since === undefined ? 0 : firstAt(since) - 1;
    const after = Math.max(query.after ?? 0, lower);
    const before = query.before ?? Number.MAX_SAFE_INTEGER;
    const shape = { subject: subject !== undefined, kind: kind !== undefined, since: since !== undefined, newestFirst };
    const values = {
      after,
      limit,
      ...(subject !== undefined && { subject }),
      ...(kind !== undefined && { kind }),
      ...(since !== undefined && { since }),
    };
    if (until === undefined) return find({ ...shape, late: false }, { ...values, before });
    const later = firstAt(until + 1);
    const inOrder = find({ ...shape, late: false }, { ...values, before: Math.min(before, later) });
    const from = Math.max(after, later - 1);
    const late = find({ ...shape, late: true }, { ...values, after: from, before, until });
    return newestFirst ? [...late, ...inOrder] : [...inOrder, ...late];
  }

  return {
    firstAt,
    search(query) {
      const { subject, subjects, limit = listed, newestFirst = false } = query;
      const wanted = subjects?.filter((each) => subject === undefined || each === subject) ?? [subject];
      const found = wanted.flatMap((each) => searchOne(query, each));
      if (wanted.length > 1) found.sort((left, right) => (newestFirst ? right.id - left.id : left.id - right.id));
      return found.slice(0, limit).map(({ record }) => JSON.parse(record) as JournalEntry);
    },
  };
}
