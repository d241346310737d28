/** The rehearsals' steps (steps.ts has the rest). */
import type { RehearsalRecord } from '../../store/store.ts';
import type { Dialect } from './dialect.ts';
import { change, list, one, put, recordOf, type Row } from './statement.ts';
import type { StoreSteps } from './steps.ts';

const listed = 100;

type RehearsalSteps = Pick<StoreSteps, 'putRehearsal' | 'rehearsal' | 'rehearsals' | 'pruneRehearsals'>;

const toRehearsal = (row: Row): RehearsalRecord => recordOf(row) as RehearsalRecord;

export function rehearsalSteps(dialect: Dialect): RehearsalSteps {
  const newest = `SELECT ${dialect.rehearsalSummary} AS record FROM rehearsals
     WHERE (CAST(?1 AS TEXT) IS NULL OR deployment = ?1)
       AND (CAST(?3 AS TEXT) IS NULL OR ${dialect.among('deployment', 3)})
       AND (CAST(?4 AS TEXT) IS NULL OR (at, id) < (SELECT at, id FROM rehearsals WHERE id = ?4))
     ORDER BY at DESC, id DESC LIMIT ?2`;
  return {
    putRehearsal: (record) =>
      change(function* () {
        yield dialect.putRehearsal(record);
      }),
    rehearsal: (id) => one(toRehearsal, 'SELECT record FROM rehearsals WHERE id = ?1', id),
    rehearsals: ({ deployment, deployments, before, limit } = {}) => {
      const among = deployments === undefined ? null : JSON.stringify(deployments);
      return list(toRehearsal, newest, deployment ?? null, limit ?? listed, among, before ?? null);
    },
    pruneRehearsals: (keep) =>
      put(
        'DELETE FROM rehearsals WHERE id NOT IN (SELECT id FROM rehearsals ORDER BY at DESC, id DESC LIMIT ?1)',
        keep,
      ),
  };
}
