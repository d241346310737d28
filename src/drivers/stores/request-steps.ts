/** The steps of requests with an Idempotency-Key (steps.ts has the rest). */
import type { RequestRecord } from '../../store/store.ts';
import { change, first, one, put, recordOf, run } from './statement.ts';
import type { StoreSteps } from './steps.ts';

type RequestSteps = Pick<StoreSteps, 'request' | 'beginRequest' | 'endRequest' | 'removeRequest' | 'pruneRequests'>;

export const requestSteps: RequestSteps = {
  request: (caller, key) =>
    one(
      (row) => recordOf(row) as RequestRecord,
      'SELECT record FROM requests WHERE caller = ?1 AND key = ?2',
      caller,
      key,
    ),
  beginRequest: (record) =>
    change(function* () {
      const text =
        'INSERT INTO requests (caller, key, at, record) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (caller, key) DO NOTHING';
      return (yield* run(text, record.caller, record.key, record.at, JSON.stringify(record))) > 0;
    }),
  endRequest: (record) =>
    put(
      'UPDATE requests SET record = ?1 WHERE caller = ?2 AND key = ?3',
      JSON.stringify(record),
      record.caller,
      record.key,
    ),
  removeRequest: (caller, key) => put('DELETE FROM requests WHERE caller = ?1 AND key = ?2', caller, key),
  pruneRequests: ({ before, keep }) =>
    change(function* () {
      // The first that is too many goes, and with it whatever is as old.
      const beyond = yield* first('SELECT at FROM requests ORDER BY at DESC LIMIT 1 OFFSET ?1', keep);
      const oldest = Math.max(before, beyond === undefined ? -1 : Number(beyond['at']) + 1);
      yield* run('DELETE FROM requests WHERE at < ?1', oldest);
    }),
};
