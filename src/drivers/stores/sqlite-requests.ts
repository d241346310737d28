/** The steps of requests with an Idempotency-Key on a SQLite connection (sqlite-steps.ts has the rest). */
import type { DatabaseSync } from 'node:sqlite';
import type { RequestRecord } from '../../store/store.ts';
import type { StoreSteps } from './sqlite-steps.ts';

type RequestSteps = Pick<StoreSteps, 'request' | 'beginRequest' | 'endRequest' | 'removeRequest' | 'pruneRequests'>;

export function sqliteRequestSteps(database: DatabaseSync): RequestSteps {
  const sql = (text: string) => database.prepare(text);
  const prepared = {
    one: sql('SELECT record FROM requests WHERE caller = ? AND key = ?'),
    begin: sql('INSERT OR IGNORE INTO requests (caller, key, at, record) VALUES (?, ?, ?, ?)'),
    end: sql('UPDATE requests SET record = ? WHERE caller = ? AND key = ?'),
    remove: sql('DELETE FROM requests WHERE caller = ? AND key = ?'),
    prune: sql('DELETE FROM requests WHERE at < ?'),
    newest: sql('SELECT at FROM requests ORDER BY at DESC LIMIT 1 OFFSET ?'),
  };
  return {
    request: (caller, key) => {
      const row = prepared.one.get(caller, key);
      return row === undefined ? undefined : (JSON.parse(String(row['record'])) as RequestRecord);
    },
    beginRequest: (record) =>
      prepared.begin.run(record.caller, record.key, record.at, JSON.stringify(record)).changes > 0,
    endRequest: (record) => void prepared.end.run(JSON.stringify(record), record.caller, record.key),
    removeRequest: (caller, key) => void prepared.remove.run(caller, key),
    pruneRequests: ({ before, keep }) => {
      // The first that is too many goes, and with it whatever is as old.
      const beyond = prepared.newest.get(keep)?.['at'];
      prepared.prune.run(Math.max(before, beyond === undefined ? -1 : Number(beyond) + 1));
    },
  };
}
