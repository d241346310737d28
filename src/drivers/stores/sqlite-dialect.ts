/** The words of SQLite where they are its own. */
import type { Dialect } from './dialect.ts';
import { first, type Work } from './statement.ts';

export const sqliteDialect: Dialect = {
  among: (column, place) => `${column} IN (SELECT value FROM json_each(?${place}))`,
  now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  // What is searched is read out of the record by generated columns.
  appendEntry: (entry, highAt) => ({
    text: 'INSERT INTO journal (id, record, high_at) VALUES (?1, ?2, ?3)',
    values: [entry.id, JSON.stringify(entry), highAt],
  }),
  outOfOrder: ' INDEXED BY journal_out_of_order',
  firstAt,
  putRehearsal: (record) => ({
    text: `INSERT INTO rehearsals (id, at, deployment, record) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (id) DO UPDATE SET at = excluded.at, deployment = excluded.deployment, record = excluded.record`,
    values: [record.id, record.at, record.deployment, JSON.stringify(record)],
  }),
  rehearsalSummary: "json_remove(record, '$.timelines')",
};

/** By bisection: in the same process that costs less than another index would. */
function* firstAt(at: number): Work<number> {
  // Numbers have no gaps between the first and the last.
  let low = Number((yield* first('SELECT min(id) AS id FROM journal'))?.['id'] ?? 1);
  let high = Number((yield* first('SELECT max(id) AS id FROM journal'))?.['id'] ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = yield* first('SELECT high_at FROM journal WHERE id = ?1', middle);
    if (Number(row?.['high_at']) >= at) high = middle;
    else low = middle + 1;
  }
  return low;
}
