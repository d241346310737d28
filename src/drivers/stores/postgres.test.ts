import { after, before } from 'node:test';
import { storeConformance } from '../../testing/conformance/store.ts';
import { placeIn } from '../../testing/postgres-place.ts';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../testing/postgres-server.ts';
import { openPostgresStore } from './postgres.ts';

const skip = withoutPostgres();
let server: PostgresServer;
let made = 0;

before(async () => {
  if (skip === false) server = await startPostgres();
});
after(() => server?.[Symbol.asyncDispose]());

storeConformance(
  'postgres',
  async () => {
    const schema = `conformance_${made++}`;
    return { durable: true, open: () => openPostgresStore(placeIn(server, schema)), async [Symbol.asyncDispose]() {} };
  },
  { skip },
);
