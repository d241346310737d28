/** What every store must do. Of what is wanted and what runs: specification, deployments, overrides, replicas, operations. */
import assert from 'node:assert/strict';
import { specification } from '../../config/specification.ts';
import { deploymentOf, digestOf, operationOf, replica } from './store-records.ts';
import { withCode, type StoreCheck } from './store-check.ts';

export function deploymentChecks(check: StoreCheck): void {
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
}
