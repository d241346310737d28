/** What every store must do. Of requests that must not be done twice. */
import assert from 'node:assert/strict';
import type { RequestRecord } from '../../store/store.ts';
import type { StoreCheck } from './store-check.ts';

export function requestChecks(check: StoreCheck): void {
  check('a request is begun once by its key, and what came of it is found again', async (store, reopen) => {
    const first: RequestRecord = { caller: 'a', key: 'k', at: 5, fingerprint: 'f' };
    assert.equal(await store().request('a', 'k'), undefined);
    assert.equal(await store().beginRequest(first), true);
    assert.equal(await store().beginRequest({ ...first, fingerprint: 'other' }), false);
    assert.equal(await store().beginRequest({ ...first, caller: 'b' }), true);
    await reopen();
    assert.deepEqual(await store().request('a', 'k'), first);
    const ended: RequestRecord = { ...first, answer: { kind: 'done', value: { id: 1 } } };
    await store().endRequest(ended);
    await store().endRequest({ ...ended, key: 'never' });
    await reopen();
    assert.deepEqual(await store().request('a', 'k'), ended);
    assert.equal(await store().request('a', 'never'), undefined);
    await store().removeRequest('a', 'k');
    assert.equal(await store().request('a', 'k'), undefined);
    assert.deepEqual(await store().request('b', 'k'), { ...first, caller: 'b' });
  });

  check('requests are forgotten by their age and beyond a number', async (store) => {
    const make = (at: number): RequestRecord => ({ caller: '', key: `k${at}`, at, fingerprint: 'f' });
    for (const at of [1, 2, 3, 4, 5]) await store().beginRequest(make(at));
    const kept = async (): Promise<number[]> => {
      const all = await Promise.all([1, 2, 3, 4, 5].map((at) => store().request('', `k${at}`)));
      return all.flatMap((record) => (record === undefined ? [] : [record.at]));
    };
    await store().pruneRequests({ before: 2, keep: 10 });
    assert.deepEqual(await kept(), [2, 3, 4, 5]);
    await store().pruneRequests({ before: 0, keep: 2 });
    assert.deepEqual(await kept(), [4, 5]);
  });
}
