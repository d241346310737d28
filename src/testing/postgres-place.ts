/** What a test opens a store with, at a server of its own (postgres-server.ts). */
import assert from 'node:assert/strict';
import { systemClock } from '../clock.ts';
import type { PostgresOptions } from '../drivers/stores/postgres.ts';
import { readPostgresAddress, type PostgresAddress } from '../store/postgres-address.ts';
import type { PostgresServer } from './postgres-server.ts';

export function addressOf(url: string): PostgresAddress {
  const reading = readPostgresAddress(url);
  assert.ok('address' in reading, JSON.stringify(reading));
  return reading.address;
}

/** `url`: another way to the same server. */
export const placeIn = (server: PostgresServer, schema: string, url = server.url): PostgresOptions => ({
  address: addressOf(url),
  schema,
  password: async () => server.password,
  clock: systemClock,
});
