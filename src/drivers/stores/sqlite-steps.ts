/**
 * Every method of the seam as one synchronous step on a SQLite connection. Who may take a step when is decided in
 * sqlite.ts. Invariant: a step that throws has changed nothing (several statements stand in a savepoint).
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { FlyballError } from '../../errors.ts';
import type {
  AliasChange,
  AliasRecord,
  AppliedSpecification,
  DeploymentRecord,
  KeyRecord,
  OperationRecord,
  OverrideRecord,
  ReplicaRecord,
  StoreAccess,
  VersionRecord,
} from '../../store/store.ts';
import { isConstraint } from './sqlite-failure.ts';
import { sqliteJournalSteps } from './sqlite-journal.ts';
import { sqliteRequestSteps } from './sqlite-requests.ts';
import { sqliteRehearsalSteps } from './sqlite-rehearsals.ts';
import { sqliteSignInSteps } from './sqlite-sign-ins.ts';

export type StoreSteps = {
  readonly [Method in keyof StoreAccess]: (
    ...given: Parameters<StoreAccess[Method]>
  ) => Awaited<ReturnType<StoreAccess[Method]>>;
};

const operationsListed = 100;

type Row = Record<string, SQLOutputValue>;

const recordOf = (row: Row): unknown => JSON.parse(String(row['record']));

const toAlias = (row: Row): AliasRecord => ({
  model: String(row['model']),
  alias: String(row['alias']),
  version: Number(row['version']),
  by: String(row['changed_by']),
  at: Number(row['at']),
});

const toVersionOrNone = (value: SQLOutputValue | undefined): number | null => (value == null ? null : Number(value));

const toChange = (row: Row): AliasChange => ({
  model: String(row['model']),
  alias: String(row['alias']),
  from: toVersionOrNone(row['from_version']),
  to: toVersionOrNone(row['to_version']),
  by: String(row['changed_by']),
  at: Number(row['at']),
});

const toDeployment = (row: Row): DeploymentRecord => ({
  ...(recordOf(row) as DeploymentRecord),
  desired: Number(row['desired']),
});

const toReplica = (row: Row): ReplicaRecord => ({
  ...(recordOf(row) as ReplicaRecord),
  phase: String(row['phase']) as ReplicaRecord['phase'],
});

export function sqliteSteps(database: DatabaseSync): StoreSteps {
  const sql = (text: string) => database.prepare(text);

  const atomically = (change: () => void): void => {
    database.exec('SAVEPOINT step');
    try {
      change();
    } catch (error) {
      // A full disk may have ended the whole transaction already.
      if (database.isTransaction) database.exec('ROLLBACK TO step; RELEASE step');
      throw error;
    }
    database.exec('RELEASE step');
  };

  const keepAliasChange = sql(
    'INSERT INTO alias_history (model, alias, from_version, to_version, changed_by, at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const oneAlias = sql('SELECT * FROM aliases WHERE model = ? AND alias = ?');
  const oneVersion = sql('SELECT record FROM versions WHERE model = ? AND version = ?');
  const dropEmptyModel = sql(
    'DELETE FROM models WHERE name = ? AND NOT EXISTS (SELECT 1 FROM versions WHERE model = models.name)',
  );

  const prepared = {
    models: sql('SELECT name FROM models ORDER BY name'),
    removeModelAliases: sql('DELETE FROM aliases WHERE model = ?'),
    modelAliases: sql('SELECT * FROM aliases WHERE model = ? ORDER BY alias'),
    removeModel: sql('DELETE FROM models WHERE name = ?'),
    forgetNumbers: sql('DELETE FROM numbers WHERE model = ?'),
    allVersions: sql('SELECT record FROM versions ORDER BY model, version'),
    modelVersions: sql('SELECT record FROM versions WHERE model = ? ORDER BY version'),
    versionByDigest: sql('SELECT record FROM versions WHERE model = ? AND digest = ?'),
    givenNumber: sql('SELECT digest FROM numbers WHERE model = ? AND version = ?'),
    giveNumber: sql('INSERT OR IGNORE INTO numbers (model, version, digest) VALUES (?, ?, ?)'),
    addModel: sql('INSERT OR IGNORE INTO models (name) VALUES (?)'),
    addVersion: sql('INSERT INTO versions (model, version, digest, record) VALUES (?, ?, ?, ?)'),
    setVersion: sql('UPDATE versions SET record = ? WHERE model = ? AND version = ?'),
    removeVersion: sql('DELETE FROM versions WHERE model = ? AND version = ?'),
    highest: sql('SELECT max(version) AS highest FROM numbers WHERE model = ?'),
    allAliases: sql('SELECT * FROM aliases ORDER BY model, alias'),
    putAlias: sql('INSERT OR REPLACE INTO aliases (model, alias, version, changed_by, at) VALUES (?, ?, ?, ?, ?)'),
    removeAlias: sql('DELETE FROM aliases WHERE model = ? AND alias = ?'),
    history: sql('SELECT * FROM alias_history WHERE model = ? ORDER BY id'),
    aliasHistory: sql('SELECT * FROM alias_history WHERE model = ? AND alias = ? ORDER BY id'),
    applied: sql('SELECT record FROM applied WHERE id = 1'),
    setApplied: sql('INSERT OR REPLACE INTO applied (id, record) VALUES (1, ?)'),
    deployments: sql('SELECT desired, record FROM deployments ORDER BY name'),
    deployment: sql('SELECT desired, record FROM deployments WHERE name = ?'),
    putDeployment: sql('INSERT OR REPLACE INTO deployments (name, desired, record) VALUES (?, ?, ?)'),
    setDesired: sql('UPDATE deployments SET desired = ? WHERE name = ?'),
    removeDeployment: sql('DELETE FROM deployments WHERE name = ?'),
    overrides: sql('SELECT record FROM overrides ORDER BY path'),
    putOverride: sql('INSERT OR REPLACE INTO overrides (path, record) VALUES (?, ?)'),
    removeOverride: sql('DELETE FROM overrides WHERE path = ?'),
    replicas: sql('SELECT phase, record FROM replicas ORDER BY id'),
    putReplica: sql('INSERT OR REPLACE INTO replicas (id, phase, record) VALUES (?, ?, ?)'),
    setReplicaPhase: sql('UPDATE replicas SET phase = ? WHERE id = ?'),
    removeReplica: sql('DELETE FROM replicas WHERE id = ?'),
    operation: sql('SELECT record FROM operations WHERE id = ?'),
    operations: sql(
      `SELECT record FROM operations WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR subject = ?2)
         AND (?4 IS NULL OR subject IN (SELECT value FROM json_each(?4)))
         AND (?5 IS NULL OR (started_at, id) < (SELECT started_at, id FROM operations WHERE id = ?5))
       ORDER BY started_at DESC, id DESC LIMIT ?3`,
    ),
    putOperation: sql(
      'INSERT OR REPLACE INTO operations (id, state, subject, started_at, record) VALUES (?, ?, ?, ?, ?)',
    ),
    pruneOperations: sql(
      `DELETE FROM operations WHERE id IN (
         SELECT id FROM operations WHERE state <> 'running' ORDER BY started_at DESC, id DESC LIMIT -1 OFFSET ?)`,
    ),
    keys: sql('SELECT record FROM keys ORDER BY created_at, id'),
    addKey: sql('INSERT INTO keys (id, created_at, record) VALUES (?, ?, ?)'),
    removeKey: sql('DELETE FROM keys WHERE id = ?'),
    nextKeysRevision: sql(
      `INSERT INTO counters (name, value) VALUES ('keys', 1)
       ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
    ),
    revision: sql("SELECT value FROM counters WHERE name = 'revision'"),
    nextRevision: sql(
      `INSERT INTO counters (name, value) VALUES ('revision', 1)
       ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
    ),
    meta: sql('SELECT value FROM meta WHERE key = ?'),
    setMeta: sql('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)'),
  };

  return {
    models: () => prepared.models.all().map((row) => String(row['name'])),
    removeModel: (model) =>
      atomically(() => {
        prepared.removeModelAliases.run(model);
        prepared.removeModel.run(model);
        prepared.forgetNumbers.run(model);
      }),
    versions: (model) =>
      (model === undefined ? prepared.allVersions.all() : prepared.modelVersions.all(model)).map(
        (row) => recordOf(row) as VersionRecord,
      ),
    version: (model, version) => {
      const row = oneVersion.get(model, version);
      return row === undefined ? undefined : (recordOf(row) as VersionRecord);
    },
    versionByDigest: (model, digest) => {
      const row = prepared.versionByDigest.get(model, digest);
      return row === undefined ? undefined : (recordOf(row) as VersionRecord);
    },
    addVersion: (record) =>
      atomically(() => {
        const { model, version, digest } = record;
        const given = prepared.givenNumber.get(model, version)?.['digest'];
        if (given !== undefined && given !== digest) {
          throw new FlyballError(
            'CONFLICT',
            `${model}:${version} was given to ${String(given)} and is never given to anything else; got ${digest}`,
          );
        }
        prepared.addModel.run(model);
        try {
          prepared.addVersion.run(model, version, digest, JSON.stringify(record));
        } catch (error) {
          if (!isConstraint(error)) throw error;
          const message = `${model} has version ${version} or the content ${digest} already`;
          throw new FlyballError('CONFLICT', message, { cause: error });
        }
        prepared.giveNumber.run(model, version, digest);
      }),
    setSignatures: (model, version, signatures) =>
      atomically(() => {
        const row = oneVersion.get(model, version);
        if (row === undefined)
          throw new FlyballError('VERSION_NOT_FOUND', `${model} has no version ${version} to sign`);
        const record: VersionRecord = { ...(recordOf(row) as VersionRecord), signatures };
        prepared.setVersion.run(JSON.stringify(record), model, version);
      }),
    removeVersion: (model, version) =>
      atomically(() => {
        try {
          prepared.removeVersion.run(model, version);
        } catch (error) {
          if (!isConstraint(error)) throw error;
          throw new FlyballError('CONFLICT', `an alias points at ${model}:${version}`, { cause: error });
        }
        dropEmptyModel.run(model);
      }),
    highestVersion: (model) => Number(prepared.highest.get(model)?.['highest'] ?? 0),

    aliases: (model) =>
      (model === undefined ? prepared.allAliases.all() : prepared.modelAliases.all(model)).map(toAlias),
    setAlias: ({ model, alias, version, by, at }) =>
      atomically(() => {
        const from = toVersionOrNone(oneAlias.get(model, alias)?.['version']);
        if (from === version) return;
        if (oneVersion.get(model, version) === undefined) {
          throw new FlyballError('VERSION_NOT_FOUND', `${model} has no version ${version} for ${alias} to point at`);
        }
        prepared.putAlias.run(model, alias, version, by, at);
        keepAliasChange.run(model, alias, from, version, by, at);
      }),
    removeAlias: (model, alias, by, at) =>
      atomically(() => {
        const from = toVersionOrNone(oneAlias.get(model, alias)?.['version']);
        if (from === null) return;
        prepared.removeAlias.run(model, alias);
        keepAliasChange.run(model, alias, from, null, by, at);
      }),
    aliasHistory: (model, alias) =>
      (alias === undefined ? prepared.history.all(model) : prepared.aliasHistory.all(model, alias)).map(toChange),

    applied: () => {
      const row = prepared.applied.get();
      return row === undefined ? undefined : (recordOf(row) as AppliedSpecification);
    },
    setApplied: (applied) => void prepared.setApplied.run(JSON.stringify(applied)),

    deployments: () => prepared.deployments.all().map(toDeployment),
    deployment: (name) => {
      const row = prepared.deployment.get(name);
      return row === undefined ? undefined : toDeployment(row);
    },
    putDeployment: (record) => void prepared.putDeployment.run(record.name, record.desired, JSON.stringify(record)),
    setDesired: (name, desired) => {
      if (prepared.setDesired.run(desired, name).changes === 0) {
        throw new FlyballError('DEPLOYMENT_NOT_FOUND', `no deployment has the name ${name}`);
      }
    },
    removeDeployment: (name) => void prepared.removeDeployment.run(name),

    overrides: () => prepared.overrides.all().map((row) => recordOf(row) as OverrideRecord),
    putOverride: (record) => void prepared.putOverride.run(record.path, JSON.stringify(record)),
    removeOverride: (path) => void prepared.removeOverride.run(path),

    replicas: () => prepared.replicas.all().map(toReplica),
    putReplica: (record) => void prepared.putReplica.run(record.id, record.phase, JSON.stringify(record)),
    setReplicaPhase: (id, phase) => void prepared.setReplicaPhase.run(phase, id),
    removeReplica: (id) => void prepared.removeReplica.run(id),

    operation: (id) => {
      const row = prepared.operation.get(id);
      return row === undefined ? undefined : (recordOf(row) as OperationRecord);
    },
    operations: ({ state, subject, subjects, before, limit } = {}) => {
      const among = subjects === undefined ? null : JSON.stringify(subjects);
      return prepared.operations
        .all(state ?? null, subject ?? null, limit ?? operationsListed, among, before ?? null)
        .map((row) => recordOf(row) as OperationRecord);
    },
    putOperation: (record) =>
      void prepared.putOperation.run(record.id, record.state, record.subject, record.startedAt, JSON.stringify(record)),
    pruneOperations: (keep) => void prepared.pruneOperations.run(keep),

    keys: () => prepared.keys.all().map((row) => recordOf(row) as KeyRecord),
    addKey: (record) => {
      try {
        prepared.addKey.run(record.id, record.createdAt, JSON.stringify(record));
      } catch (error) {
        if (!isConstraint(error)) throw error;
        throw new FlyballError('CONFLICT', `there is a key ${record.id} already`, { cause: error });
      }
    },
    removeKey: (id) => void prepared.removeKey.run(id),
    nextKeysRevision: () => Number(prepared.nextKeysRevision.get()?.['value']),

    ...sqliteJournalSteps(database, atomically),
    ...sqliteRehearsalSteps(database),
    ...sqliteRequestSteps(database),
    ...sqliteSignInSteps(database),

    revision: () => Number(prepared.revision.get()?.['value'] ?? 0),
    nextRevision: () => Number(prepared.nextRevision.get()?.['value']),

    meta: (key) => {
      const row = prepared.meta.get(key);
      return row === undefined ? undefined : String(row['value']);
    },
    setMeta: (key, value) => void prepared.setMeta.run(key, value),
  };
}
