/** What every store must do. Of models: versions, aliases, numbers. */
import assert from 'node:assert/strict';
import { digestOf, versionOf } from './store-records.ts';
import { withCode, type StoreCheck } from './store-check.ts';

export function registryChecks(check: StoreCheck): void {
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
}
