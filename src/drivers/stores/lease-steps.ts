/** The steps of leases, for both databases (store/lease.ts says what they promise). */
import { FlyballError } from '../../errors.ts';
import type { Acquisition, Fence, LeaseView } from '../../store/lease.ts';
import type { Dialect } from './dialect.ts';
import { first, run, type Row, type Work } from './statement.ts';

/** Apart from the numbered steps of the schema: who waits for a lease must not bring a schema forward that is in use. */
export const leasesTable = `CREATE TABLE IF NOT EXISTS leases (
  name TEXT PRIMARY KEY,
  token BIGINT NOT NULL,
  holder TEXT NOT NULL,
  expires_at BIGINT NOT NULL
)`;

/** LEASE_LOST unless `newest`, as the store has it, is the token of this fence. */
export function requireNewest({ name, token }: Fence, newest: unknown): void {
  if (newest !== undefined && Number(newest) === token) return;
  const found = newest === undefined ? 'there is none' : `the newest is ${Number(newest)}`;
  throw new FlyballError('LEASE_LOST', `the lease ${name} was held under token ${token}, and ${found}`);
}

export const tokenText = 'SELECT token FROM leases WHERE name = ?1';

export interface LeaseSteps {
  readonly acquire: (name: string, holder: string, ttlMs: number) => Work<Acquisition>;
  readonly renew: (fence: Fence, ttlMs: number) => Work<boolean>;
  readonly release: (fence: Fence) => Work<void>;
  readonly view: (name: string) => Work<LeaseView | undefined>;
}

export function leaseSteps({ now }: Dialect): LeaseSteps {
  const viewText = `SELECT token, holder, expires_at - ${now} AS left_ms FROM leases WHERE name = ?1`;
  const toView = (row: Row): LeaseView => ({
    token: Number(row['token']),
    holder: String(row['holder']),
    leftMs: Number(row['left_ms']),
  });
  const acquireText = `INSERT INTO leases (name, token, holder, expires_at) VALUES (?1, 1, ?2, ${now} + ?3)
     ON CONFLICT (name) DO UPDATE SET token = leases.token + 1, holder = excluded.holder,
       expires_at = excluded.expires_at
     WHERE leases.expires_at <= ${now} OR leases.holder = excluded.holder
     RETURNING token`;
  return {
    *acquire(name, holder, ttlMs) {
      const taken = yield* first(acquireText, name, holder, ttlMs);
      if (taken !== undefined) return { kind: 'held', token: Number(taken['token']) };
      const row = yield* first(viewText, name);
      if (row === undefined) throw new FlyballError('INTERNAL', `the lease ${name} was neither given nor refused`);
      return { kind: 'refused', by: toView(row) };
    },
    *renew({ name, token }, ttlMs) {
      const text = `UPDATE leases SET expires_at = ${now} + ?3 WHERE name = ?1 AND token = ?2`;
      return (yield* run(text, name, token, ttlMs)) > 0;
    },
    *release({ name, token }) {
      yield* run('UPDATE leases SET expires_at = 0 WHERE name = ?1 AND token = ?2', name, token);
    },
    *view(name) {
      const row = yield* first(viewText, name);
      return row === undefined ? undefined : toView(row);
    },
  };
}
