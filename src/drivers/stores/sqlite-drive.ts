/** Runs steps on a SQLite connection, at once: node:sqlite is synchronous. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Answer, Row, Statement, Work } from './statement.ts';

export type Drive = <Result>(work: Work<Result>) => Result;

interface Prepared {
  readonly statement: StatementSync;
  readonly hasRows: boolean;
}

/** `translate`: what a failed statement throws into its step. Each text is compiled once. */
export function sqliteDrive(database: DatabaseSync, translate: (error: unknown) => unknown = (error) => error): Drive {
  const prepared = new Map<string, Prepared>();

  function prepare(text: string): Prepared {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    const statement = database.prepare(text);
    const made = { statement, hasRows: statement.columns().length > 0 };
    prepared.set(text, made);
    return made;
  }

  function execute({ text, values }: Statement): Answer {
    const { statement, hasRows } = prepare(text);
    if (hasRows) {
      const rows: readonly Row[] = statement.all(...values);
      return { rows, changes: rows.length };
    }
    return { rows: [], changes: Number(statement.run(...values).changes) };
  }

  return (work) => {
    let turn = work.next();
    while (turn.done !== true) {
      let answer: Answer;
      try {
        answer = execute(turn.value);
      } catch (error) {
        turn = work.throw(translate(error));
        continue;
      }
      turn = work.next(answer);
    }
    return turn.value;
  };
}
