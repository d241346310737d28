/**
 * Secrets that all controls of a platform have, sealed, in a PostgreSQL that they share. Each machine offers its own at its
 * start, and the first wins. Apart from the numbered steps of the schema, as leases are: who stands by must not bring a
 * schema forward that is in use.
 */
import type { SharedSecrets } from '../../store/shared-secrets.ts';
import { seal, unseal } from '../../store/sealed.ts';
import { drive } from './postgres-drive.ts';
import { inspectSchema, underLock } from './postgres-migrations.ts';
import { connectPostgres, type PostgresOptions } from './postgres.ts';
import { first, run, type Work } from './statement.ts';

const secretsTable = 'CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, sealed TEXT NOT NULL)';
const findText = 'SELECT sealed FROM secrets WHERE name = ?1';

/** Makes the schema where there is none, and the table of secrets, and nothing else. */
export async function openPostgresSecrets(options: PostgresOptions, sealKey: string): Promise<SharedSecrets> {
  const { address, schema } = options;
  const connection = await connectPostgres(options);
  try {
    const session = await connection.session();
    await underLock(session, schema, async () => {
      const found = await inspectSchema(session, address, schema);
      if (found.kind === 'empty' && !found.hasSchema) await session.batch(`CREATE SCHEMA ${schema}`);
      await session.batch(secretsTable);
    });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  const ask = async <Result>(work: Work<Result>): Promise<Result> => {
    const session = await connection.session();
    return drive(work, (statement) => session.query(statement));
  };

  async function find(name: string): Promise<Uint8Array | undefined> {
    const row = await ask(first(findText, name));
    return row === undefined ? undefined : unseal(sealKey, name, String(row['sealed']));
  }

  return {
    find,
    async offer(name, secret) {
      const text = 'INSERT INTO secrets (name, sealed) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING';
      await ask(run(text, name, seal(sealKey, name, secret)));
      return (await find(name)) ?? secret;
    },
    async replace(name, secret) {
      const text = `INSERT INTO secrets (name, sealed) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed`;
      await ask(run(text, name, seal(sealKey, name, secret)));
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}
