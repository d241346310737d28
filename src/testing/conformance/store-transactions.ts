/** What every store must do. Of revisions, small facts and transactions: what happens whole, or not at all. */
import assert from 'node:assert/strict';
import { versionOf } from './store-records.ts';
import { withCode, type StoreCheck } from './store-check.ts';

export function transactionChecks(check: StoreCheck): void {
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
