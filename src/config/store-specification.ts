/** Where what must not be forgotten is kept: a part of the specification. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { readPostgresAddress, withAbsoluteFiles } from '../store/postgres-address.ts';
import type { Specification } from './specification.ts';

/** A password here would be in every answer that shows the specification. */
function problemOf(url: string): string | undefined {
  const reading = readPostgresAddress(url);
  if ('problem' in reading) return reading.problem;
  return reading.address.password === undefined
    ? undefined
    : 'expected no password in it, since whoever may read the specification would read it too; name passwordFile';
}

const sqlite = z.strictObject({ kind: z.literal('sqlite') });

const postgres = z.strictObject({
  kind: z.literal('postgres'),
  url: z
    .string()
    .refine((url) => problemOf(url) === undefined, { error: ({ input }) => problemOf(String(input)) })
    .describe(
      '`postgres://USER@HOST:5432/DATABASE`, without a password; with `?sslmode=verify-full&sslrootcert=FILE`, or `?host=FOLDER` for a Unix socket.',
    ),
  passwordFile: z
    .string()
    .optional()
    .describe(
      'File with the password, read at each connection; relative to this file. Without one, the environment variable PGPASSWORD.',
    ),
  sealKeyFile: z
    .string()
    .optional()
    .describe(
      'File with a line of at least 32 random characters, the same on each machine: with it the authority, the first key and the key of the request log are kept in the store, sealed, so that all machines have the same.',
    ),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'expected lower-case letters, digits and _')
    .default('flyball')
    .describe('Of the database, made at the first start; one for each platform that shares it.'),
  statementMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe('Time for one statement, and for a change to wait for another.'),
  leaseMs: z
    .int()
    .min(3000)
    .max(600_000)
    .default(15_000)
    .describe('How long control holds its lease; after a loss without a word, another takes over when it has run out.'),
});

export const storeSettings = z.discriminatedUnion('kind', [sqlite, postgres]).prefault({ kind: 'sqlite' });

export type StoreSettings = z.infer<typeof storeSettings>;
export type PostgresSettings = z.infer<typeof postgres>;

/** The files stay where they are, wherever the processes run that read them. */
export function withAbsolutePassword(specification: Specification, folder: string): Specification {
  const { store } = specification;
  if (store.kind !== 'postgres') return specification;
  const { url, passwordFile, sealKeyFile } = store;
  const files = {
    url: withAbsoluteFiles(url, folder),
    ...(passwordFile !== undefined && { passwordFile: resolve(folder, passwordFile) }),
    ...(sealKeyFile !== undefined && { sealKeyFile: resolve(folder, sealKeyFile) }),
  };
  return { ...specification, store: { ...store, ...files } };
}
