/** The steps of models, their versions, aliases and numbers (steps.ts has the rest). */
import { FlyballError } from '../../errors.ts';
import type { AliasChange, AliasRecord, VersionRecord } from '../../store/store.ts';
import { change, first, list, one, read, recordOf, run, type Row, type Work } from './statement.ts';
import type { StoreSteps } from './steps.ts';

type RegistrySteps = Pick<
  StoreSteps,
  | 'models'
  | 'removeModel'
  | 'versions'
  | 'version'
  | 'versionByDigest'
  | 'addVersion'
  | 'setSignatures'
  | 'removeVersion'
  | 'highestVersion'
  | 'aliases'
  | 'setAlias'
  | 'removeAlias'
  | 'aliasHistory'
>;

const toVersion = (row: Row): VersionRecord => recordOf(row) as VersionRecord;

const toAlias = (row: Row): AliasRecord => ({
  model: String(row['model']),
  alias: String(row['alias']),
  version: Number(row['version']),
  by: String(row['changed_by']),
  at: Number(row['at']),
});

const toVersionOrNone = (value: unknown): number | null => (value == null ? null : Number(value));

const toChange = (row: Row): AliasChange => ({
  model: String(row['model']),
  alias: String(row['alias']),
  from: toVersionOrNone(row['from_version']),
  to: toVersionOrNone(row['to_version']),
  by: String(row['changed_by']),
  at: Number(row['at']),
});

const oneVersion = 'SELECT record FROM versions WHERE model = ?1 AND version = ?2';
const removeEmptyModel =
  'DELETE FROM models WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM versions WHERE model = models.name)';

/** Where the alias points; null where there is none. */
function* targetOf(model: string, alias: string): Work<number | null> {
  const row = yield* first('SELECT version FROM aliases WHERE model = ?1 AND alias = ?2', model, alias);
  return toVersionOrNone(row?.['version']);
}

function* keepAliasChange(moved: AliasChange): Work<void> {
  const text = `INSERT INTO alias_history (model, alias, from_version, to_version, changed_by, at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)`;
  yield* run(text, moved.model, moved.alias, moved.from, moved.to, moved.by, moved.at);
}

export const registrySteps: RegistrySteps = {
  models: () => list((row) => String(row['name']), 'SELECT name FROM models ORDER BY name'),
  removeModel: (model) =>
    change(function* () {
      yield* run('DELETE FROM aliases WHERE model = ?1', model);
      yield* run('DELETE FROM models WHERE name = ?1', model);
      yield* run('DELETE FROM numbers WHERE model = ?1', model);
    }),
  versions: (model) =>
    model === undefined
      ? list(toVersion, 'SELECT record FROM versions ORDER BY model, version')
      : list(toVersion, 'SELECT record FROM versions WHERE model = ?1 ORDER BY version', model),
  version: (model, version) => one(toVersion, oneVersion, model, version),
  versionByDigest: (model, digest) =>
    one(toVersion, 'SELECT record FROM versions WHERE model = ?1 AND digest = ?2', model, digest),
  addVersion: (record) =>
    change(function* () {
      const { model, version, digest } = record;
      const given = yield* first('SELECT digest FROM numbers WHERE model = ?1 AND version = ?2', model, version);
      if (given !== undefined && given['digest'] !== digest) {
        throw new FlyballError(
          'CONFLICT',
          `${model}:${version} was given to ${String(given['digest'])} and is never given to anything else; got ${digest}`,
        );
      }
      const there = 'SELECT 1 FROM versions WHERE model = ?1 AND (version = ?2 OR digest = ?3)';
      if ((yield* first(there, model, version, digest)) !== undefined)
        throw new FlyballError('CONFLICT', `${model} has version ${version} or the content ${digest} already`);
      yield* run('INSERT INTO models (name) VALUES (?1) ON CONFLICT (name) DO NOTHING', model);
      const text = 'INSERT INTO versions (model, version, digest, record) VALUES (?1, ?2, ?3, ?4)';
      yield* run(text, model, version, digest, JSON.stringify(record));
      const number = `INSERT INTO numbers (model, version, digest) VALUES (?1, ?2, ?3)
         ON CONFLICT (model, version) DO NOTHING`;
      yield* run(number, model, version, digest);
    }),
  setSignatures: (model, version, signatures) =>
    change(function* () {
      const row = yield* first(oneVersion, model, version);
      if (row === undefined) throw new FlyballError('VERSION_NOT_FOUND', `${model} has no version ${version} to sign`);
      const record: VersionRecord = { ...toVersion(row), signatures };
      const text = 'UPDATE versions SET record = ?1 WHERE model = ?2 AND version = ?3';
      yield* run(text, JSON.stringify(record), model, version);
    }),
  removeVersion: (model, version) =>
    change(function* () {
      const pointing = 'SELECT 1 FROM aliases WHERE model = ?1 AND version = ?2';
      if ((yield* first(pointing, model, version)) !== undefined)
        throw new FlyballError('CONFLICT', `an alias points at ${model}:${version}`);
      yield* run('DELETE FROM versions WHERE model = ?1 AND version = ?2', model, version);
      yield* run(removeEmptyModel, model);
    }),
  highestVersion: (model) =>
    read(function* () {
      const row = yield* first('SELECT max(version) AS highest FROM numbers WHERE model = ?1', model);
      return Number(row?.['highest'] ?? 0);
    }),

  aliases: (model) =>
    model === undefined
      ? list(toAlias, 'SELECT * FROM aliases ORDER BY model, alias')
      : list(toAlias, 'SELECT * FROM aliases WHERE model = ?1 ORDER BY alias', model),
  setAlias: ({ model, alias, version, by, at }) =>
    change(function* () {
      const from = yield* targetOf(model, alias);
      if (from === version) return;
      if ((yield* first(oneVersion, model, version)) === undefined) {
        throw new FlyballError('VERSION_NOT_FOUND', `${model} has no version ${version} for ${alias} to point at`);
      }
      const text = `INSERT INTO aliases (model, alias, version, changed_by, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version,
           changed_by = excluded.changed_by, at = excluded.at`;
      yield* run(text, model, alias, version, by, at);
      yield* keepAliasChange({ model, alias, from, to: version, by, at });
    }),
  removeAlias: (model, alias, by, at) =>
    change(function* () {
      const from = yield* targetOf(model, alias);
      if (from === null) return;
      yield* run('DELETE FROM aliases WHERE model = ?1 AND alias = ?2', model, alias);
      yield* keepAliasChange({ model, alias, from, to: null, by, at });
    }),
  aliasHistory: (model, alias) =>
    alias === undefined
      ? list(toChange, 'SELECT * FROM alias_history WHERE model = ?1 ORDER BY id', model)
      : list(toChange, 'SELECT * FROM alias_history WHERE model = ?1 AND alias = ?2 ORDER BY id', model, alias),
};
