/**
 * Every method of the seam as one step, for both databases. Who may take a step when, and what makes it whole, is decided
 * by the driver; what is kept of models is in registry-steps.ts.
 */
import { FlyballError } from '../../errors.ts';
import type {
  AppliedSpecification,
  DeploymentRecord,
  KeyRecord,
  OperationRecord,
  OverrideRecord,
  ReplicaRecord,
  StoreAccess,
} from '../../store/store.ts';
import type { Dialect } from './dialect.ts';
import { journalSteps } from './journal-steps.ts';
import { setMetaText } from './meta.ts';
import { registrySteps } from './registry-steps.ts';
import { rehearsalSteps } from './rehearsal-steps.ts';
import { requestSteps } from './request-steps.ts';
import { signInSteps } from './sign-in-steps.ts';
import { change, first, list, one, put, read, recordOf, run, type Row, type Step } from './statement.ts';

export type StoreSteps = {
  readonly [Method in keyof StoreAccess]: (
    ...given: Parameters<StoreAccess[Method]>
  ) => Step<Awaited<ReturnType<StoreAccess[Method]>>>;
};

const operationsListed = 100;

const toDeployment = (row: Row): DeploymentRecord => ({
  ...(recordOf(row) as DeploymentRecord),
  desired: Number(row['desired']),
});

const toReplica = (row: Row): ReplicaRecord => ({
  ...(recordOf(row) as ReplicaRecord),
  phase: String(row['phase']) as ReplicaRecord['phase'],
});

const toOperation = (row: Row): OperationRecord => recordOf(row) as OperationRecord;

/** Grows by one at each call. */
const nextOf = (counter: 'keys' | 'revision'): Step<number> =>
  change(function* () {
    const text = `INSERT INTO counters (name, value) VALUES (?1, 1)
       ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value`;
    return Number((yield* first(text, counter))?.['value']);
  });

export function storeSteps(dialect: Dialect): StoreSteps {
  const operationsText = `SELECT record FROM operations
     WHERE (CAST(?1 AS TEXT) IS NULL OR state = ?1) AND (CAST(?2 AS TEXT) IS NULL OR subject = ?2)
       AND (CAST(?4 AS TEXT) IS NULL OR ${dialect.among('subject', 4)})
       AND (CAST(?5 AS TEXT) IS NULL
         OR (started_at, id) < (SELECT started_at, id FROM operations WHERE id = ?5))
     ORDER BY started_at DESC, id DESC LIMIT ?3`;

  return {
    ...registrySteps,

    applied: () => one((row) => recordOf(row) as AppliedSpecification, 'SELECT record FROM applied WHERE id = 1'),
    setApplied: (applied) =>
      put(
        'INSERT INTO applied (id, record) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
        JSON.stringify(applied),
      ),

    deployments: () => list(toDeployment, 'SELECT desired, record FROM deployments ORDER BY name'),
    deployment: (name) => one(toDeployment, 'SELECT desired, record FROM deployments WHERE name = ?1', name),
    putDeployment: (record) =>
      put(
        `INSERT INTO deployments (name, desired, record) VALUES (?1, ?2, ?3)
           ON CONFLICT (name) DO UPDATE SET desired = excluded.desired, record = excluded.record`,
        record.name,
        record.desired,
        JSON.stringify(record),
      ),
    setDesired: (name, desired) =>
      change(function* () {
        if ((yield* run('UPDATE deployments SET desired = ?1 WHERE name = ?2', desired, name)) === 0) {
          throw new FlyballError('DEPLOYMENT_NOT_FOUND', `no deployment has the name ${name}`);
        }
      }),
    removeDeployment: (name) => put('DELETE FROM deployments WHERE name = ?1', name),

    overrides: () => list((row) => recordOf(row) as OverrideRecord, 'SELECT record FROM overrides ORDER BY path'),
    putOverride: (record) =>
      put(
        `INSERT INTO overrides (path, record) VALUES (?1, ?2)
           ON CONFLICT (path) DO UPDATE SET record = excluded.record`,
        record.path,
        JSON.stringify(record),
      ),
    removeOverride: (path) => put('DELETE FROM overrides WHERE path = ?1', path),

    replicas: () => list(toReplica, 'SELECT phase, record FROM replicas ORDER BY id'),
    putReplica: (record) =>
      put(
        `INSERT INTO replicas (id, phase, record) VALUES (?1, ?2, ?3)
           ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, record = excluded.record`,
        record.id,
        record.phase,
        JSON.stringify(record),
      ),
    setReplicaPhase: (id, phase) => put('UPDATE replicas SET phase = ?1 WHERE id = ?2', phase, id),
    removeReplica: (id) => put('DELETE FROM replicas WHERE id = ?1', id),

    operation: (id) => one(toOperation, 'SELECT record FROM operations WHERE id = ?1', id),
    operations: ({ state, subject, subjects, before, limit } = {}) => {
      const among = subjects === undefined ? null : JSON.stringify(subjects);
      const values = [state ?? null, subject ?? null, limit ?? operationsListed, among, before ?? null];
      return list(toOperation, operationsText, ...values);
    },
    putOperation: (record) =>
      put(
        `INSERT INTO operations (id, state, subject, started_at, record) VALUES (?1, ?2, ?3, ?4, ?5)
           ON CONFLICT (id) DO UPDATE SET state = excluded.state, subject = excluded.subject,
             started_at = excluded.started_at, record = excluded.record`,
        record.id,
        record.state,
        record.subject,
        record.startedAt,
        JSON.stringify(record),
      ),
    pruneOperations: (keep) =>
      put(
        `DELETE FROM operations WHERE state <> 'running' AND id NOT IN (
           SELECT id FROM operations WHERE state <> 'running' ORDER BY started_at DESC, id DESC LIMIT ?1)`,
        keep,
      ),

    keys: () => list((row) => recordOf(row) as KeyRecord, 'SELECT record FROM keys ORDER BY created_at, id'),
    addKey: (record) =>
      change(function* () {
        const text = 'INSERT INTO keys (id, created_at, record) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING';
        if ((yield* run(text, record.id, record.createdAt, JSON.stringify(record))) === 0)
          throw new FlyballError('CONFLICT', `there is a key ${record.id} already`);
      }),
    removeKey: (id) => put('DELETE FROM keys WHERE id = ?1', id),
    nextKeysRevision: () => nextOf('keys'),

    ...journalSteps(dialect),
    ...rehearsalSteps(dialect),
    ...requestSteps,
    ...signInSteps,

    revision: () =>
      read(function* () {
        return Number((yield* first("SELECT value FROM counters WHERE name = 'revision'"))?.['value'] ?? 0);
      }),
    nextRevision: () => nextOf('revision'),

    meta: (key) => one((row) => String(row['value']), 'SELECT value FROM meta WHERE key = ?1', key),
    setMeta: (key, value) => put(setMetaText, key, value),
  };
}
