/**
 * The schema of flyball.db, as the steps that lead to it. A step that has been released is never edited: a new one is
 * added. Each runs in a transaction of its own with the new version number, so that a kill leaves the old or the new.
 * Records are JSON beside the columns that are searched; a change of a record's shape is a step here too.
 */
import type { DatabaseSync } from 'node:sqlite';
import { FlyballError } from '../../errors.ts';

/** 'Flyb' as SQLite's application id, so that somebody else's database is recognised and left alone. */
export const applicationId = 0x466c7962;

export const migrations: readonly string[] = [
  `
  CREATE TABLE models (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE versions (
    model TEXT NOT NULL REFERENCES models (name) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (model, version),
    UNIQUE (model, digest)
  ) STRICT, WITHOUT ROWID;
  -- Every number ever given, with its content: a removed number never comes back as something else.
  CREATE TABLE numbers (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (model, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE aliases (
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES versions (model, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE alias_history (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    from_version INTEGER,
    to_version INTEGER,
    changed_by TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX alias_history_by_model ON alias_history (model, alias, id);
  CREATE TABLE applied (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL) STRICT;
  CREATE TABLE deployments (name TEXT PRIMARY KEY, desired INTEGER NOT NULL, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE overrides (path TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE replicas (id TEXT PRIMARY KEY, phase TEXT NOT NULL, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    subject TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX operations_by_time ON operations (started_at, id);
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  // Hashes of API keys, never the keys.
  'CREATE TABLE keys (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, record TEXT NOT NULL) STRICT, WITHOUT ROWID;',
  // What is searched is read out of the entry itself, so that the two cannot disagree.
  `
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    at INTEGER NOT NULL GENERATED ALWAYS AS (record ->> '$.at') VIRTUAL,
    kind TEXT NOT NULL GENERATED ALWAYS AS (record ->> '$.kind') VIRTUAL,
    subject TEXT NOT NULL GENERATED ALWAYS AS (record ->> '$.subject') VIRTUAL
  ) STRICT;
  CREATE INDEX journal_by_subject ON journal (subject, kind, id);
  CREATE INDEX journal_by_time ON journal (at, id);
  `,
  `
  CREATE TABLE rehearsals (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    deployment TEXT NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX rehearsals_by_time ON rehearsals (at, id);
  `,
  // The latest time of any entry up to this one, which only grows: see journal-search.ts.
  `
  ALTER TABLE journal ADD COLUMN high_at INTEGER NOT NULL DEFAULT 0;
  UPDATE journal SET high_at = seen.high
    FROM (SELECT id, max(at) OVER (ORDER BY id) AS high FROM journal) AS seen WHERE seen.id = journal.id;
  CREATE INDEX journal_by_subject_alone ON journal (subject, id);
  CREATE INDEX journal_by_kind ON journal (kind, id);
  CREATE INDEX journal_out_of_order ON journal (id) WHERE at < high_at;
  DROP INDEX journal_by_time;
  `,
  // What came of requests with an Idempotency-Key, for those who ask again.
  `
  CREATE TABLE requests (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (caller, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX requests_by_time ON requests (at);
  `,
  // Hashes of the ids of browsers' sign-ins, never the ids. They go with their key.
  `
  CREATE TABLE sign_ins (
    hash TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sign_ins_by_key ON sign_ins (key_id);
  `,
];

/** Brings the schema up to `steps`; refuses what a newer Flyball or another program has written. */
export function migrate(database: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  const found = numberOf(database, 'user_version');
  const owner = numberOf(database, 'application_id');
  if (owner !== applicationId && (owner !== 0 || found !== 0 || hasTables(database))) {
    throw new FlyballError(
      'DATA_DIR_UNUSABLE',
      `${path} is the database of another program; name another data directory`,
    );
  }
  if (found > steps.length) {
    throw new FlyballError(
      'STORE_TOO_NEW',
      `${path} has schema version ${found}, this Flyball knows up to ${steps.length}; use the newer one, or restore a backup`,
    );
  }
  for (let version = found; version < steps.length; version++) {
    database.exec('BEGIN IMMEDIATE');
    try {
      // Two processes may open at once: whoever comes second finds the step done.
      if (numberOf(database, 'user_version') === version) {
        database.exec(steps[version] ?? '');
        database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1}`);
      }
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

function numberOf(database: DatabaseSync, pragma: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);
}

function hasTables(database: DatabaseSync): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
}
