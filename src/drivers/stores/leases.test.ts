import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { leaseConformance } from '../../testing/conformance/leases.ts';
import { placeIn } from '../../testing/postgres-place.ts';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../testing/postgres-server.ts';
import { openPostgresLeases } from './postgres-leases.ts';
import { openPostgresStore } from './postgres.ts';
import { openSqliteLeases } from './sqlite-leases.ts';
import { openSqliteStore } from './sqlite.ts';

const skip = withoutPostgres();
let server: PostgresServer;
let made = 0;

before(async () => {
  if (skip === false) server = await startPostgres();
});
after(() => server?.[Symbol.asyncDispose]());

leaseConformance('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-leases-'));
  const path = join(folder, 'flyball.db');
  await openSqliteStore(path)[Symbol.asyncDispose]();
  return {
    open: async () => openSqliteLeases(path),
    store: async (fence) => openSqliteStore(path, fence),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

leaseConformance(
  'postgres',
  async () => {
    const place = placeIn(server, `leases_${made++}`);
    return {
      open: () => openPostgresLeases(place),
      store: (fence) => openPostgresStore({ ...place, ...(fence !== undefined && { fence }) }),
      async [Symbol.asyncDispose]() {},
    };
  },
  { skip },
);
