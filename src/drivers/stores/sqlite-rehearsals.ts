/** The rehearsals' steps on a SQLite connection (sqlite-steps.ts has the rest). */
import type { DatabaseSync } from 'node:sqlite';
import type { RehearsalRecord } from '../../store/store.ts';
import type { StoreSteps } from './sqlite-steps.ts';

const listed = 100;

type RehearsalSteps = Pick<StoreSteps, 'putRehearsal' | 'rehearsal' | 'rehearsals' | 'pruneRehearsals'>;

export function sqliteRehearsalSteps(database: DatabaseSync): RehearsalSteps {
  const sql = (text: string) => database.prepare(text);
  const prepared = {
    put: sql('INSERT OR REPLACE INTO rehearsals (id, at, deployment, record) VALUES (?, ?, ?, ?)'),
    one: sql('SELECT record FROM rehearsals WHERE id = ?'),
    newest: sql(
      // Lines over time are for who looks at one.
      `SELECT json_remove(record, '$.timelines') AS record FROM rehearsals WHERE (?1 IS NULL OR deployment = ?1)
         AND (?3 IS NULL OR deployment IN (SELECT value FROM json_each(?3)))
         AND (?4 IS NULL OR (at, id) < (SELECT at, id FROM rehearsals WHERE id = ?4))
       ORDER BY at DESC, id DESC LIMIT ?2`,
    ),
    prune: sql(
      'DELETE FROM rehearsals WHERE id IN (SELECT id FROM rehearsals ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?)',
    ),
  };
  const recordOf = (row: Record<string, unknown>): RehearsalRecord =>
    JSON.parse(String(row['record'])) as RehearsalRecord;

  return {
    putRehearsal: (record) => void prepared.put.run(record.id, record.at, record.deployment, JSON.stringify(record)),
    rehearsal: (id) => {
      const row = prepared.one.get(id);
      return row === undefined ? undefined : recordOf(row);
    },
    rehearsals: ({ deployment, deployments, before, limit } = {}) => {
      const among = deployments === undefined ? null : JSON.stringify(deployments);
      return prepared.newest.all(deployment ?? null, limit ?? listed, among, before ?? null).map(recordOf);
    },
    pruneRehearsals: (keep) => void prepared.prune.run(keep),
  };
}
