/**
 * What every store must do, run by each driver's test. `make` gives a way to open the same store again: the durable
 * ones are closed and opened between the steps of a test, so that nothing passes by having stayed in memory.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentSpecification, specification } from '../../config/specification.ts';
import { modelFile } from '../../config/model-file.ts';
import type { ReplicaOrder } from '../../control/orchestrator.ts';
import { chained, journalStart, type JournalEntry, type JournalMark } from '../../journal/entry.ts';
import type {
  DeploymentRecord,
  KeyRecord,
  OperationRecord,
  RehearsalRecord,
  ReplicaRecord,
  Store,
  VersionRecord,
} from '../../store/store.ts';

export interface StoreUnderTest extends AsyncDisposable {
  open(): Promise<Store>;
  /** False for one whose content goes with its last connection. */
  readonly durable: boolean;
}

export const digestOf = (seed: string): string => `sha256:${seed.repeat(64).slice(0, 64)}`;

export const versionOf = (model: string, version: number, seed = String(version)): VersionRecord => ({
  model,
  version,
  digest: digestOf(seed),
  bytes: 1234,
  createdAt: 1_700_000_000_000 + version,
  platform: 'onnxruntime_onnx',
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'y', datatype: 'INT64', shape: [-1] }],
    batchable: true,
  },
  labels: { team: 'lab' },
  provenance: { source: 'upload', by: 'ada', note: 'first try' },
  description: 'digits from 0 to 9',
  modelFile: modelFile.parse({}),
  file: digestOf(`f${seed}`),
  assets: { 'labels.txt': digestOf(`a${seed}`) },
});

const deploymentOf = (name: string, desired = 1): DeploymentRecord => ({
  name,
  specification: deploymentSpecification.parse({ model: `${name}@champion` }),
  origin: { kind: 'specification' },
  desired,
});

const order: ReplicaOrder = {
  id: 'digits-1-a',
  launch: {
    replica: 'digits-1-a',
    model: 'digits',
    version: '1',
    digest: digestOf('1'),
    runtime: {
      kind: 'onnx',
      path: '/somewhere/model.onnx',
      threads: 1,
      spinning: false,
      graphOptimisation: 'all',
      memoryArena: true,
    },
    warmUp: { batchSizes: [1, 2], budgetMs: 100, samples: [] },
  },
  resources: { cpu: 0.1 },
};

const replica: ReplicaRecord = {
  id: 'digits-1-a',
  deployment: 'digits',
  version: '1',
  digest: digestOf('1'),
  order,
  startedAt: 17,
  phase: 'starting',
};

const operationOf = (id: string, startedAt: number, state: OperationRecord['state']): OperationRecord => ({
  id,
  kind: 'apply',
  subject: 'flyball.yaml',
  state,
  by: 'ada',
  startedAt,
  steps: [{ text: 'loading', state: 'running', startedAt }],
  request: { any: ['thing'] },
});

const rehearsalOf = (id: string, deployment: string, at: number): RehearsalRecord => ({
  id,
  deployment,
  at,
  setting: 'an hour of it',
  min: 1,
  max: 4,
  tolerated: 0.01,
  verdict: ['slo keeps it.'],
  report: {
    trace: 'digits last:1h',
    seed: 1,
    simulatedSeconds: 3600,
    wallSeconds: 0.5,
    requests: 7,
    policies: [
      {
        name: 'slo',
        parameters: { tolerated: 0.01 },
        violationFraction: 0,
        shedFraction: 0,
        p50Ms: 1.5,
        p99Ms: null,
        replicaSeconds: 3600,
        cost: 1,
        actions: 0,
        flaps: 0,
      },
    ],
    clairvoyant: { replicaSeconds: 3600 },
  },
  by: 'ada',
});

const entriesOf = (head: JournalMark, subjects: readonly string[]): readonly JournalEntry[] =>
  chained(
    head,
    subjects.map((subject, index) => {
      const note = { kind: 'change', action: 'scale', subject, by: 'ada', reason: 'asked for' } as const;
      return { ...note, details: { to: [1, null, 'ä'] }, at: 101 + index };
    }),
  );

/** Declares the suite's tests under `name`. */
export function storeConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  const check = (title: string, body: (store: () => Store, reopen: () => Promise<void>) => Promise<void>): void => {
    void test(`${name}: ${title}`, async () => {
      await using place = await make();
      let store = await place.open();
      const reopen = async () => {
        if (!place.durable) return;
        await store[Symbol.asyncDispose]();
        store = await place.open();
      };
      try {
        await body(() => store, reopen);
      } finally {
        await store[Symbol.asyncDispose]();
      }
    });
  };
  const withCode = (code: string) => ({ name: 'FlyballError', code });

  check('a version comes back exactly as it was added', async (store, reopen) => {
    await store().addVersion(versionOf('digits', 2));
    await store().addVersion(versionOf('digits', 1));
    await store().addVersion(versionOf('ocr', 1));
    await reopen();
    assert.deepEqual(await store().models(), ['digits', 'ocr']);
    assert.deepEqual(await store().versions('digits'), [versionOf('digits', 1), versionOf('digits', 2)]);
    assert.equal((await store().versions()).length, 3);
    assert.deepEqual(await store().version('digits', 2), versionOf('digits', 2));
    assert.deepEqual(await store().versionByDigest('digits', digestOf('2')), versionOf('digits', 2));
    assert.equal(await store().version('digits', 3), undefined);
    assert.equal(await store().highestVersion('digits'), 2);
    assert.equal(await store().highestVersion('none'), 0);
  });

  check('signatures are added to a version and nothing else of it changes', async (store, reopen) => {
    await store().addVersion(versionOf('digits', 1));
    await store().setSignatures('digits', 1, ['one']);
    await store().setSignatures('digits', 1, ['one', 'two']);
    await reopen();
    assert.deepEqual(await store().versions(), [{ ...versionOf('digits', 1), signatures: ['one', 'two'] }]);
    assert.equal((await store().versionByDigest('digits', digestOf('1')))?.signatures?.length, 2);
    await assert.rejects(store().setSignatures('digits', 2, ['one']), withCode('VERSION_NOT_FOUND'));
  });

  check('a number or a content that is there is a conflict, and nothing changes', async (store, reopen) => {
    await store().addVersion(versionOf('digits', 1));
    await assert.rejects(store().addVersion(versionOf('digits', 1, '9')), withCode('CONFLICT'));
    await assert.rejects(store().addVersion(versionOf('digits', 2, '1')), withCode('CONFLICT'));
    await reopen();
    assert.deepEqual(await store().versions(), [versionOf('digits', 1)]);
    assert.equal(await store().highestVersion('digits'), 1);
  });

  check(
    'a removed number is given again only to the same content, and the model goes with its last version',
    async (store, reopen) => {
      await store().addVersion(versionOf('digits', 1));
      await store().removeVersion('digits', 1);
      await store().removeVersion('digits', 1);
      await reopen();
      assert.deepEqual(await store().models(), []);
      assert.equal(await store().highestVersion('digits'), 1);
      await assert.rejects(store().addVersion(versionOf('digits', 1, '9')), withCode('CONFLICT'));
      await store().addVersion(versionOf('digits', 1));
      assert.deepEqual(await store().models(), ['digits']);
    },
  );

  check('an alias moves with its history, and holds the version that it points at', async (store, reopen) => {
    await store().addVersion(versionOf('digits', 1));
    await store().addVersion(versionOf('digits', 2));
    const champion = { model: 'digits', alias: 'champion', by: 'ada' };
    await store().setAlias({ ...champion, version: 1, at: 10 });
    await store().setAlias({ ...champion, version: 1, at: 11 });
    await store().setAlias({ ...champion, version: 2, by: 'bob', at: 12 });
    await reopen();
    assert.deepEqual(await store().aliases('digits'), [{ ...champion, version: 2, by: 'bob', at: 12 }]);
    await assert.rejects(store().setAlias({ ...champion, version: 7, at: 13 }), withCode('VERSION_NOT_FOUND'));
    await assert.rejects(store().removeVersion('digits', 2), withCode('CONFLICT'));
    await store().removeVersion('digits', 1);
    await store().removeAlias('digits', 'champion', 'eve', 14);
    await store().removeAlias('digits', 'champion', 'eve', 15);
    await reopen();
    assert.deepEqual(await store().aliases(), []);
    assert.deepEqual(await store().aliasHistory('digits', 'champion'), [
      { ...champion, from: null, to: 1, at: 10 },
      { ...champion, from: 1, to: 2, by: 'bob', at: 12 },
      { ...champion, from: 2, to: null, by: 'eve', at: 14 },
    ]);
    assert.deepEqual(await store().aliasHistory('digits', 'other'), []);
  });

  check('a model is removed with its aliases and versions, and its numbers are free again', async (store, reopen) => {
    await store().addVersion(versionOf('digits', 1));
    await store().setAlias({ model: 'digits', alias: 'champion', version: 1, by: 'ada', at: 1 });
    await store().removeModel('digits');
    await reopen();
    assert.deepEqual([await store().models(), await store().versions(), await store().aliases()], [[], [], []]);
    await store().addVersion(versionOf('digits', 1, '9'));
  });

  check('the applied specification is kept whole', async (store, reopen) => {
    assert.equal(await store().applied(), undefined);
    const applied = {
      resolved: {
        specification: specification.parse({ deployments: { digits: { model: 'digits@champion' } } }),
        models: { digits: { versions: [{ version: 1, digest: digestOf('1') }], note: 'from a package' } },
      },
      by: 'ada',
      at: 5,
    };
    await store().setApplied({ ...applied, by: 'bob' });
    await store().setApplied(applied);
    await reopen();
    assert.deepEqual(await store().applied(), applied);
  });

  check('a deployment keeps its desired count beside its specification', async (store, reopen) => {
    await store().putDeployment(deploymentOf('ocr'));
    await store().putDeployment(deploymentOf('digits'));
    await store().setDesired('digits', 3);
    const beside = {
      ...deploymentOf('ocr', 2),
      origin: { kind: 'override', owner: 'ada', at: 3 },
      note: 'try',
    } as const;
    await store().putDeployment(beside);
    await reopen();
    assert.deepEqual(await store().deployments(), [deploymentOf('digits', 3), beside]);
    assert.deepEqual(await store().deployment('digits'), deploymentOf('digits', 3));
    await assert.rejects(store().setDesired('none', 1), withCode('DEPLOYMENT_NOT_FOUND'));
    await store().removeDeployment('digits');
    await store().removeDeployment('digits');
    assert.equal(await store().deployment('digits'), undefined);
  });

  check('an override is one value at a path', async (store, reopen) => {
    const path = 'deployments.digits.replicas';
    await store().putOverride({ path, value: { desired: 2 }, owner: 'ada', at: 1 });
    await store().putOverride({ path, value: { desired: 3 }, owner: 'bob', at: 2 });
    await reopen();
    assert.deepEqual(await store().overrides(), [{ path, value: { desired: 3 }, owner: 'bob', at: 2 }]);
    await store().removeOverride(path);
    await store().removeOverride(path);
    assert.deepEqual(await store().overrides(), []);
  });

  check('a replica is found again with its order and its phase', async (store, reopen) => {
    await store().putReplica(replica);
    await store().setReplicaPhase(replica.id, 'ready');
    await reopen();
    assert.deepEqual(await store().replicas(), [{ ...replica, phase: 'ready' }]);
    await store().removeReplica(replica.id);
    await store().removeReplica(replica.id);
    assert.deepEqual(await store().replicas(), []);
  });

  check('unfinished operations are found again and outlive pruning', async (store, reopen) => {
    await store().putOperation(operationOf('a', 1, 'running'));
    await store().putOperation(operationOf('b', 2, 'succeeded'));
    await store().putOperation(operationOf('c', 3, 'running'));
    await store().putOperation({ ...operationOf('c', 3, 'failed'), endedAt: 4, subject: 'digits' });
    await reopen();
    const idsOf = async (query = {}) => (await store().operations(query)).map(({ id }) => id);
    assert.deepEqual(await idsOf(), ['c', 'b', 'a']);
    assert.deepEqual(await idsOf({ limit: 1 }), ['c']);
    assert.deepEqual(await idsOf({ state: 'running' }), ['a']);
    assert.deepEqual(await idsOf({ subject: 'digits' }), ['c']);
    assert.deepEqual(await store().operation('a'), operationOf('a', 1, 'running'));
    await store().pruneOperations(1);
    assert.deepEqual(await idsOf(), ['c', 'a']);
    assert.equal(await store().operation('b'), undefined);
  });

  check('API keys are kept by their id, and one that was removed is gone', async (store, reopen) => {
    const first: KeyRecord = {
      id: '0123456789ab',
      hash: 'ab'.repeat(32),
      name: 'ward-7',
      scopes: ['infer'],
      deployments: ['digits'],
      rate: { perSecond: 5, burst: 10 },
      createdAt: 1,
      createdBy: 'ada',
    };
    const second: KeyRecord = {
      id: '0000000000ff',
      hash: 'cd'.repeat(32),
      name: 'ada',
      scopes: ['admin'],
      createdAt: 2,
      createdBy: 'ada',
    };
    await store().addKey(first);
    await store().addKey(second);
    await assert.rejects(store().addKey(first), { code: 'CONFLICT' });
    assert.equal(await store().nextKeysRevision(), 1);
    await reopen();
    assert.deepEqual(await store().keys(), [first, second]);
    await store().removeKey(first.id);
    await store().removeKey('never');
    await reopen();
    assert.deepEqual(await store().keys(), [second]);
    assert.equal(await store().nextKeysRevision(), 2);
  });

  check('journal entries stay as they were written, in order, and are found again', async (store, reopen) => {
    const written = entriesOf(journalStart, ['digits', 'ocr', 'digits']);
    await store().appendJournal(written.slice(0, 2));
    await store().appendJournal(written.slice(2));
    await reopen();
    assert.deepEqual(await store().journal(), written);
    assert.deepEqual(await store().journalHead(), { id: 3, hash: written[2]?.hash });
    assert.deepEqual(await store().journalEntry(2), written[1]);
    assert.equal(await store().journalEntry(4), undefined);
    const idsOf = async (query: Parameters<Store['journal']>[0]) => (await store().journal(query)).map(({ id }) => id);
    assert.deepEqual(await idsOf({ subject: 'digits' }), [1, 3]);
    assert.deepEqual(await idsOf({ kind: 'upkeep' }), []);
    assert.deepEqual(await idsOf({ after: 1, limit: 1 }), [2]);
    assert.deepEqual(await idsOf({ newestFirst: true, limit: 2 }), [3, 2]);
    assert.deepEqual(await idsOf({ since: 102, until: 102 }), [2]);
  });

  check('a journal entry that does not follow the last one is refused, with all that came with it', async (store) => {
    const [first, second, third] = entriesOf(journalStart, ['a', 'b', 'c']);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    await store().appendJournal([first]);
    await assert.rejects(store().appendJournal([second, first]), withCode('CONFLICT'));
    await assert.rejects(store().appendJournal([third]), withCode('CONFLICT'));
    await assert.rejects(store().appendJournal([{ ...second, before: third.hash }]), withCode('CONFLICT'));
    assert.deepEqual(await store().journal(), [first]);
    await store().appendJournal([second]);
  });

  check('a pruned journal keeps where its chain goes on, and its numbers', async (store, reopen) => {
    const written = entriesOf(journalStart, ['a', 'b', 'c', 'd']);
    await store().appendJournal(written);
    assert.equal(await store().journalBefore({ at: 101, keep: 10 }), undefined);
    assert.equal((await store().journalBefore({ at: 103, keep: 10 }))?.id, 2);
    assert.equal((await store().journalBefore({ at: 0, keep: 1 }))?.id, 3);
    assert.equal((await store().journalBefore({ at: 999, keep: 10 }))?.id, 4);
    const checkpoint = { id: 4, hash: written[3]?.hash ?? '', lastAt: 104, at: 200, retention: 'a day' };
    await store().pruneJournal(checkpoint);
    await reopen();
    assert.deepEqual([await store().journal(), await store().journalCheckpoint()], [[], checkpoint]);
    const head = await store().journalHead();
    await store().appendJournal(entriesOf(head, ['e']));
    assert.equal((await store().journal())[0]?.id, 5);
  });

  check('the revision grows by one at each call, across restarts', async (store, reopen) => {
    assert.equal(await store().revision(), 0);
    assert.deepEqual([await store().nextRevision(), await store().nextRevision()], [1, 2]);
    await reopen();
    assert.equal(await store().revision(), 2);
    assert.equal(await store().nextRevision(), 3);
  });

  check('meta keeps small facts', async (store, reopen) => {
    await store().setMeta('started', '1');
    await store().setMeta('started', '2');
    await reopen();
    assert.deepEqual([await store().meta('started'), await store().meta('none')], ['2', undefined]);
  });

  check('a transaction happens whole', async (store, reopen) => {
    const seen = await store().transaction(async (access) => {
      await access.addVersion(versionOf('digits', 1));
      await access.setAlias({ model: 'digits', alias: 'champion', version: 1, by: 'ada', at: 1 });
      return (await access.aliases()).length;
    });
    await reopen();
    assert.equal(seen, 1);
    assert.equal((await store().aliases()).length, 1);
  });

  check('a transaction that throws has not happened, and the store goes on', async (store, reopen) => {
    const failing = store().transaction(async (access) => {
      await access.addVersion(versionOf('digits', 1));
      await access.nextRevision();
      throw new Error('changed my mind');
    });
    await assert.rejects(failing, /changed my mind/);
    await reopen();
    assert.deepEqual([await store().models(), await store().revision()], [[], 0]);
    await store().addVersion(versionOf('digits', 1));
  });

  check('a refused step inside a transaction leaves the rest of it standing', async (store) => {
    await store().transaction(async (access) => {
      await access.addVersion(versionOf('digits', 1));
      await assert.rejects(access.addVersion(versionOf('digits', 1, '9')), withCode('CONFLICT'));
      await access.addVersion(versionOf('digits', 2));
    });
    assert.equal((await store().versions('digits')).length, 2);
  });

  check('rehearsals are found again, newest first, and the oldest go', async (store, reopen) => {
    const written = [rehearsalOf('a', 'digits', 1), rehearsalOf('b', 'ocr', 3), rehearsalOf('c', 'digits', 2)];
    for (const record of written) await store().putRehearsal(record);
    await reopen();
    const idsOf = async (query: Parameters<Store['rehearsals']>[0]) =>
      (await store().rehearsals(query)).map(({ id }) => id);
    assert.deepEqual(await store().rehearsal('c'), written[2]);
    assert.equal(await store().rehearsal('d'), undefined);
    assert.deepEqual(await idsOf(undefined), ['b', 'c', 'a']);
    assert.deepEqual(await idsOf({ deployment: 'digits', limit: 1 }), ['c']);
    // Made again: the same one, of now.
    await store().putRehearsal(rehearsalOf('a', 'digits', 9));
    assert.deepEqual(await idsOf({}), ['a', 'b', 'c']);
    await store().pruneRehearsals(2);
    await reopen();
    assert.deepEqual(await idsOf({}), ['a', 'b']);
  });

  check('nobody sees half a transaction, and transactions do not mix', async (store) => {
    const increment = async () =>
      store().transaction(async (access) => {
        const before = Number((await access.meta('count')) ?? 0);
        await access.setMeta('half', 'yes');
        await new Promise(setImmediate);
        await access.setMeta('half', 'no');
        await access.setMeta('count', String(before + 1));
      });
    const writers = [increment(), increment(), increment()];
    const seen = await Promise.all([store().meta('half'), store().meta('half')]);
    await Promise.all(writers);
    assert.ok(seen.every((half) => half !== 'yes'));
    assert.equal(await store().meta('count'), '3');
  });

  check('a store refuses to be called inside its own transaction', async (store) => {
    const nested = store().transaction(async () => store().models());
    await assert.rejects(nested, withCode('INTERNAL'));
    assert.deepEqual(await store().models(), []);
  });
}
