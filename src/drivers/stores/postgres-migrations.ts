/**
 * The schema in PostgreSQL, as the steps that lead to it. A step that has been released is never edited: a new one is
 * added. All that are missing run in one transaction under the store's lock, so that several controls may start at once
 * and a kill leaves the old schema or the new. Texts are in the order of their bytes (COLLATE "C"), as SQLite has them,
 * whatever language the server speaks. Records are TEXT: they come back byte for byte, which the journal's hashes need.
 */
import { FlyballError } from '../../errors.ts';
import type { PostgresAddress } from '../../store/postgres-address.ts';
import type { Session } from './postgres-session.ts';

export const postgresMigrations: readonly string[] = [
  `
  CREATE TABLE models (name TEXT COLLATE "C" PRIMARY KEY);
  CREATE TABLE versions (
    model TEXT COLLATE "C" NOT NULL REFERENCES models (name) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    digest TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (model, version),
    UNIQUE (model, digest)
  );
  -- Every number ever given, with its content: a removed number never comes back as something else.
  CREATE TABLE numbers (
    model TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (model, version)
  );
  CREATE TABLE aliases (
    model TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES versions (model, version)
  );
  CREATE TABLE alias_history (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    from_version BIGINT,
    to_version BIGINT,
    changed_by TEXT NOT NULL,
    at BIGINT NOT NULL
  );
  CREATE INDEX alias_history_by_model ON alias_history (model, alias, id);
  CREATE TABLE applied (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL);
  CREATE TABLE deployments (name TEXT COLLATE "C" PRIMARY KEY, desired BIGINT NOT NULL, record TEXT NOT NULL);
  CREATE TABLE overrides (path TEXT COLLATE "C" PRIMARY KEY, record TEXT NOT NULL);
  CREATE TABLE replicas (id TEXT COLLATE "C" PRIMARY KEY, phase TEXT NOT NULL, record TEXT NOT NULL);
  CREATE TABLE operations (
    id TEXT COLLATE "C" PRIMARY KEY,
    state TEXT NOT NULL,
    subject TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    record TEXT NOT NULL
  );
  CREATE INDEX operations_by_time ON operations (started_at, id);
  CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
  CREATE TABLE meta (key TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);
  -- Hashes of API keys, never the keys.
  CREATE TABLE keys (id TEXT COLLATE "C" PRIMARY KEY, created_at BIGINT NOT NULL, record TEXT NOT NULL);
  CREATE TABLE journal (
    id BIGINT PRIMARY KEY,
    record TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    -- The latest time of any entry up to this one, which only grows: see journal-search.ts.
    high_at BIGINT NOT NULL
  );
  CREATE INDEX journal_by_subject ON journal (subject, kind, id);
  CREATE INDEX journal_by_subject_alone ON journal (subject, id);
  CREATE INDEX journal_by_kind ON journal (kind, id);
  CREATE INDEX journal_out_of_order ON journal (id) WHERE at < high_at;
  CREATE INDEX journal_by_time ON journal (high_at, id);
  CREATE TABLE rehearsals (
    id TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL,
    deployment TEXT NOT NULL,
    record TEXT NOT NULL,
    summary TEXT NOT NULL
  );
  CREATE INDEX rehearsals_by_time ON rehearsals (at, id);
  -- What came of requests with an Idempotency-Key, for those who ask again.
  CREATE TABLE requests (
    caller TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (caller, key)
  );
  CREATE INDEX requests_by_time ON requests (at);
  -- Hashes of the ids of browsers' sign-ins, never the ids. They go with their key.
  CREATE TABLE sign_ins (
    hash TEXT COLLATE "C" PRIMARY KEY,
    key_id TEXT COLLATE "C" NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
  );
  CREATE INDEX sign_ins_by_key ON sign_ins (key_id);
  `,
  // Bytes of models, for controls of other nodes. They are there from the row in artefacts on; chunks of no upload that is
  // named there are what a killed process left. Weights do not get smaller: EXTERNAL spares the server the attempt.
  `
  CREATE TABLE artefacts (digest TEXT COLLATE "C" PRIMARY KEY, bytes BIGINT NOT NULL, upload TEXT COLLATE "C" NOT NULL);
  CREATE TABLE artefact_chunks (
    upload TEXT COLLATE "C" NOT NULL,
    part BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (upload, part)
  );
  ALTER TABLE artefact_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
  `,
];

/** 'Flyb', as in SQLite's application id: the first half of the number of the store's lock. */
const lockClass = 0x466c7962;

/** Held to the end of a transaction by whoever changes anything in this schema. */
export const lockText = (schema: string): string => `SELECT pg_advisory_xact_lock(${lockClass}, hashtext('${schema}'))`;

type Found =
  | { readonly kind: 'empty'; readonly hasSchema: boolean }
  | { readonly kind: 'ours'; readonly version: number };

/** STORE_TOO_NEW; STORE_UNUSABLE where the schema is another program's. Changes nothing. */
export async function inspectSchema(
  session: Session,
  { shown }: PostgresAddress,
  schema: string,
  known = postgresMigrations.length,
): Promise<Found> {
  const [tables] = await session.batch(
    `SELECT to_regnamespace('${schema}') IS NOT NULL AS there,
       to_regclass('${schema}.flyball_schema') IS NOT NULL AS ours,
       EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = '${schema}' AND tablename NOT IN ('leases', 'secrets')) AS filled`,
  );
  const { there, ours, filled } = tables?.rows[0] ?? {};
  if (ours !== true) {
    if (filled !== true) return { kind: 'empty', hasSchema: there === true };
    throw new FlyballError(
      'STORE_UNUSABLE',
      `${shown}: schema ${schema} holds tables of another program; name another schema`,
    );
  }
  const [versions] = await session.batch(`SELECT version FROM ${schema}.flyball_schema`);
  const version = Number(versions?.rows[0]?.['version'] ?? 0);
  if (version <= known) return { kind: 'ours', version };
  throw new FlyballError(
    'STORE_TOO_NEW',
    `${shown}: schema ${schema} has version ${version}, this Flyball knows up to ${known}; use the newer one, or restore a backup`,
  );
}

/** What `inspectSchema` throws; STORE_UNUSABLE too where the schema may not be made. */
export async function migratePostgres(
  session: Session,
  address: PostgresAddress,
  schema: string,
  steps: readonly string[] = postgresMigrations,
): Promise<void> {
  await underLock(session, schema, async () => {
    const found = await inspectSchema(session, address, schema, steps.length);
    if (found.kind === 'empty') {
      if (!found.hasSchema) await session.batch(`CREATE SCHEMA ${schema}`);
      await session.batch('CREATE TABLE flyball_schema (version INTEGER NOT NULL)');
      await session.batch('INSERT INTO flyball_schema (version) VALUES (0)');
    }
    const version = found.kind === 'ours' ? found.version : 0;
    for (const step of steps.slice(version)) await session.batch(step);
    if (version < steps.length) await session.batch(`UPDATE flyball_schema SET version = ${steps.length}`);
  });
}

/** Whole or not at all, and after whoever else is changing something. */
export async function underLock<Result>(
  session: Session,
  schema: string,
  change: () => Promise<Result>,
): Promise<Result> {
  await session.batch(`BEGIN; SET LOCAL statement_timeout = '10min'; ${lockText(schema)}`);
  try {
    const result = await change();
    await session.batch('COMMIT');
    return result;
  } catch (error) {
    if (!session.isLost) await session.batch('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
