/** What every store must do. Of API keys. */
import assert from 'node:assert/strict';
import type { KeyRecord } from '../../store/store.ts';
import type { StoreCheck } from './store-check.ts';

export function keyChecks(check: StoreCheck): void {
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
}
