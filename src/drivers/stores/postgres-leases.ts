/**
 * Leases in PostgreSQL, on a connection of their own: a store that is busy costs nobody his lease. Taking one waits for the
 * store's lock, so that what was changed under the token before has ended; renewing one does not.
 */
import type { Leases } from '../../store/lease.ts';
import { leasesTable, leaseSteps } from './lease-steps.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { drive } from './postgres-drive.ts';
import { inspectSchema, underLock } from './postgres-migrations.ts';
import { connectPostgres, type PostgresOptions } from './postgres.ts';
import type { Work } from './statement.ts';

/** Makes the schema where there is none, and the table of leases, and nothing else: others may be using it. */
export async function openPostgresLeases(options: PostgresOptions): Promise<Leases> {
  const { address, schema } = options;
  // Who holds a lease has no time to wait for a server that restarts: it asks again.
  const connection = await connectPostgres({ ...options, patienceMs: 0 });
  const steps = leaseSteps(postgresDialect);
  try {
    const session = await connection.session();
    await underLock(session, schema, async () => {
      const found = await inspectSchema(session, address, schema);
      if (found.kind === 'empty' && !found.hasSchema) await session.batch(`CREATE SCHEMA ${schema}`);
      await session.batch(leasesTable);
    });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }

  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  const ask = <Result>(work: () => Work<Result>): Promise<Result> =>
    inTurn(async () => {
      const session = await connection.session();
      return drive(work(), (statement) => session.query(statement));
    });

  return {
    async acquire(name, holder, ttlMs) {
      // Who waits asks every second, and is not to hold up those who change something.
      const seen = await ask(() => steps.view(name));
      if (seen !== undefined && seen.leftMs > 0 && seen.holder !== holder) return { kind: 'refused', by: seen };
      return inTurn(async () => {
        const session = await connection.session();
        return underLock(session, schema, () =>
          drive(steps.acquire(name, holder, ttlMs), (statement) => session.query(statement)),
        );
      });
    },
    renew: (fence, ttlMs) => ask(() => steps.renew(fence, ttlMs)),
    release: (fence) => ask(() => steps.release(fence)),
    view: (name) => ask(() => steps.view(name)),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}
