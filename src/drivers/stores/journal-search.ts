/**
 * Searching the journal: whatever is asked for, only the rows that are answered are read, of a
 * million as of a hundred. Numbers are the order; times nearly follow it, since a wall clock may be put back and a note may
 * be written late. So each entry carries `high_at`, the latest time of any entry up to it, which only grows: the range of
 * numbers that a range of times may lie in is found by bisection, and the few that are out of order have an index.
 *
 *     number   1    2    3    4    5    6
 *     at      10   12   11   15   14   20      3 and 5 are out of order: at < high_at
 *     high_at 10   12   12   15   15   20      until 14 → all below 4, and of those out of order from 4 on: 5
 */
import type { JournalEntry } from '../../journal/entry.ts';
import type { JournalQuery } from '../../store/store.ts';
import type { Dialect } from './dialect.ts';
import { all, type Value, type Work } from './statement.ts';

const listed = 100;

export interface Shape {
  readonly subject: boolean;
  readonly kind: boolean;
  readonly since: boolean;
  /** Only what is out of order, of those up to `until`. */
  readonly late: boolean;
  readonly newestFirst: boolean;
}

/** The SQL for a shape of question, with `:names` for its values. Every one has a bound of `id`, by which it is in order. */
export function statementFor(shape: Shape, { outOfOrder }: Pick<Dialect, 'outOfOrder'>): string {
  const conditions = ['id > :after', 'id < :before'];
  if (shape.subject) conditions.push('subject = :subject');
  if (shape.kind) conditions.push('kind = :kind');
  if (shape.since) conditions.push('(at = high_at OR at >= :since)');
  if (shape.late) conditions.push('at < high_at AND at <= :until');
  const order = shape.newestFirst ? 'ORDER BY id DESC' : 'ORDER BY id';
  // They are few, and those of a subject after `until` may be many.
  const index = shape.late ? outOfOrder : '';
  return `SELECT id, record FROM journal${index} WHERE ${conditions.join(' AND ')} ${order} LIMIT :limit`;
}

/** Each `:name` in turn as ?1, ?2, …, and the values in that order. */
function positioned(text: string, values: Readonly<Record<string, Value>>): [string, readonly Value[]] {
  const names: string[] = [];
  const numbered = text.replaceAll(/:(\w+)/g, (_, name: string) => `?${names.push(name)}`);
  return [numbered, names.map((name) => values[name] ?? null)];
}

interface Found {
  readonly id: number;
  readonly record: string;
}

/** The entries that are asked for, in the order that is asked for. */
export function* searchJournal(dialect: Dialect, query: JournalQuery): Work<JournalEntry[]> {
  const { subject, subjects, limit = listed, newestFirst = false } = query;
  const wanted = subjects?.filter((each) => subject === undefined || each === subject) ?? [subject];
  const found: Found[] = [];
  for (const each of wanted) found.push(...(yield* searchOne(dialect, query, each)));
  if (wanted.length > 1) found.sort((left, right) => (newestFirst ? right.id - left.id : left.id - right.id));
  return found.slice(0, limit).map(({ record }) => JSON.parse(record) as JournalEntry);
}

function* searchOne(dialect: Dialect, query: JournalQuery, subject: string | undefined): Work<readonly Found[]> {
  const { kind, since, until, limit = listed, newestFirst = false } = query;
  const lower = since === undefined ? 0 : (yield* dialect.firstAt(since)) - 1;
  const after = Math.max(query.after ?? 0, lower);
  const before = query.before ?? Number.MAX_SAFE_INTEGER;
  const shape = { subject: subject !== undefined, kind: kind !== undefined, since: since !== undefined, newestFirst };
  const values = { limit, subject: subject ?? null, kind: kind ?? null, since: since ?? null, until: until ?? null };
  const find = function* (late: boolean, range: { after: number; before: number }): Work<readonly Found[]> {
    const [text, placed] = positioned(statementFor({ ...shape, late }, dialect), { ...values, ...range });
    return (yield* all(text, ...placed)).map((row) => ({ id: Number(row['id']), record: String(row['record']) }));
  };
  if (until === undefined) return yield* find(false, { after, before });
  const later = yield* dialect.firstAt(until + 1);
  const inOrder = yield* find(false, { after, before: Math.min(before, later) });
  const late = yield* find(true, { after: Math.max(after, later - 1), before });
  return newestFirst ? [...late, ...inOrder] : [...inOrder, ...late];
}
