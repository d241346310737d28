/**
 * What both databases are told, as values: a step of the store is a generator that yields statements and is given what
 * came of each, so that it is written once, and run at once by SQLite and over a connection by PostgreSQL. Parameters
 * are written ?1, ?2, …; the text is what both understand, and where they differ dialect.ts has a word for it.
 * Invariant: a step that refuses (throws an error of its own) does so before its first change.
 */

export type Value = string | number | Uint8Array | null;

export interface Statement {
  readonly text: string;
  /** Of ?1, ?2, … in turn. */
  readonly values: readonly Value[];
}

/** Integers may come as numbers or, beyond 32 bits from PostgreSQL, as their digits. */
export type Row = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly rows: readonly Row[];
  /** Rows that were written or removed. */
  readonly changes: number;
}

export type Work<Result> = Generator<Statement, Result, Answer>;

/** A change happens whole or not at all, also where it is several statements. */
export interface Step<Result> {
  readonly kind: 'read' | 'change';
  readonly work: () => Work<Result>;
}

export const read = <Result>(work: () => Work<Result>): Step<Result> => ({ kind: 'read', work });
export const change = <Result>(work: () => Work<Result>): Step<Result> => ({ kind: 'change', work });

export function* all(text: string, ...values: readonly Value[]): Work<readonly Row[]> {
  return (yield { text, values }).rows;
}

export function* first(text: string, ...values: readonly Value[]): Work<Row | undefined> {
  return (yield { text, values }).rows[0];
}

/** How many rows it changed. */
export function* run(text: string, ...values: readonly Value[]): Work<number> {
  return (yield { text, values }).changes;
}

/** One statement whose rows nobody wants. */
export const put = (text: string, ...values: readonly Value[]): Step<void> =>
  change(function* () {
    yield { text, values };
  });

export const recordOf = (row: Row): unknown => JSON.parse(String(row['record']));

/** Every row of one statement, as `to` reads it. */
export const list = <Result>(to: (row: Row) => Result, text: string, ...values: readonly Value[]) =>
  read<readonly Result[]>(function* () {
    return (yield { text, values }).rows.map(to);
  });

export const one = <Result>(to: (row: Row) => Result, text: string, ...values: readonly Value[]) =>
  read<Result | undefined>(function* () {
    const [row] = (yield { text, values }).rows;
    return row === undefined ? undefined : to(row);
  });
