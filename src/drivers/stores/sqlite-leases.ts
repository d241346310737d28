/**
 * Leases in a SQLite store. One `up` at a time holds its data directory, so that nobody but the next control ever asks;
 * they keep to the same suite as PostgreSQL's.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Leases } from '../../store/lease.ts';
import { leasesTable, leaseSteps } from './lease-steps.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { sqliteDrive } from './sqlite-drive.ts';
import { toStoreError } from './sqlite-failure.ts';

const busyTimeoutMs = 5000;

/** In the file of a store that was opened before. DATA_DIR_UNUSABLE. */
export function openSqliteLeases(path: string): Leases {
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  const drive = sqliteDrive(database, (error) => toStoreError(error, path));
  try {
    database.exec(leasesTable);
  } catch (error) {
    database.close();
    throw toStoreError(error, path);
  }
  const steps = leaseSteps(sqliteDialect);
  return {
    acquire: async (name, holder, ttlMs) => drive(steps.acquire(name, holder, ttlMs)),
    renew: async (fence, ttlMs) => drive(steps.renew(fence, ttlMs)),
    release: async (fence) => drive(steps.release(fence)),
    view: async (name) => drive(steps.view(name)),
    async [Symbol.asyncDispose]() {
      database.close();
    },
  };
}
