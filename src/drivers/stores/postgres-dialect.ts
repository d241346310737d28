/** The words of PostgreSQL where they are its own. */
import type { Dialect } from './dialect.ts';
import { first, type Work } from './statement.ts';

export const postgresDialect: Dialect = {
  among: (column, place) => `${column} IN (SELECT json_array_elements_text(CAST(?${place} AS json)))`,
  now: 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)',
  // Beside the record, and not read out of it: PostgreSQL reads no JSON in which a text has a NUL.
  appendEntry: (entry, highAt) => ({
    text: 'INSERT INTO journal (id, record, high_at, at, kind, subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6)',
    values: [entry.id, JSON.stringify(entry), highAt, entry.at, entry.kind, withoutNul(entry.subject)],
  }),
  outOfOrder: '',
  firstAt,
  putRehearsal: ({ timelines, ...summary }) => ({
    text: `INSERT INTO rehearsals (id, at, deployment, record, summary) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (id) DO UPDATE SET at = excluded.at, deployment = excluded.deployment,
         record = excluded.record, summary = excluded.summary`,
    values: [
      summary.id,
      summary.at,
      summary.deployment,
      JSON.stringify(timelines === undefined ? summary : { ...summary, timelines }),
      JSON.stringify(summary),
    ],
  }),
  rehearsalSummary: 'summary',
};

/** No text of PostgreSQL can have one; what is searched for has none either. */
const withoutNul = (text: string): string => text.replaceAll('\0', '');

/** By an index: each step of a bisection would be a way to the server and back. */
function* firstAt(at: number): Work<number> {
  const found = yield* first('SELECT id FROM journal WHERE high_at >= ?1 ORDER BY high_at, id LIMIT 1', at);
  if (found !== undefined) return Number(found['id']);
  return Number((yield* first('SELECT max(id) AS id FROM journal'))?.['id'] ?? 0) + 1;
}
