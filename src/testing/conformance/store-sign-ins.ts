/** What every store must do. Of browsers' sign-ins. */
import assert from 'node:assert/strict';
import type { KeyRecord, SignInRecord } from '../../store/store.ts';
import { withCode, type StoreCheck } from './store-check.ts';

const keyOf = (id: string): KeyRecord => ({
  id,
  hash: id.padEnd(64, '0'),
  name: 'ada',
  scopes: ['operate'],
  createdAt: 1,
  createdBy: 'ada',
});

const signInOf = (letter: string, keyId: string, times: Partial<SignInRecord> = {}): SignInRecord => ({
  hash: letter.repeat(64),
  keyId,
  expiresAt: 1_700_000_000_000,
  usedAt: 5,
  ...times,
});

export function signInChecks(check: StoreCheck): void {
  check('sign-ins are kept by the hash of their id, the least recently used first', async (store, reopen) => {
    await store().addKey(keyOf('aaaaaaaaaaaa'));
    assert.deepEqual(await store().signIns(), []);
    const first = signInOf('a', 'aaaaaaaaaaaa', { usedAt: 7 });
    const second = signInOf('b', 'aaaaaaaaaaaa', { usedAt: 6 });
    await store().addSignIn(first);
    await store().addSignIn(second);
    await assert.rejects(store().addSignIn(first), withCode('CONFLICT'));
    await reopen();
    assert.deepEqual(await store().signIns(), [second, first]);
    await store().useSignIn(second.hash, 9);
    await store().useSignIn('c'.repeat(64), 9);
    await reopen();
    assert.deepEqual(await store().signIns(), [first, { ...second, usedAt: 9 }]);
    await store().removeSignIn(first.hash);
    await store().removeSignIn(first.hash);
    await reopen();
    assert.deepEqual(await store().signIns(), [{ ...second, usedAt: 9 }]);
  });

  check('a sign-in goes with its key, and there is none without', async (store, reopen) => {
    for (const id of ['aaaaaaaaaaaa', 'bbbbbbbbbbbb']) await store().addKey(keyOf(id));
    const kept = signInOf('c', 'bbbbbbbbbbbb');
    for (const record of [signInOf('a', 'aaaaaaaaaaaa'), signInOf('b', 'aaaaaaaaaaaa'), kept])
      await store().addSignIn(record);
    await store().removeKey('aaaaaaaaaaaa');
    await assert.rejects(store().addSignIn(signInOf('d', 'aaaaaaaaaaaa')), withCode('KEY_NOT_FOUND'));
    await reopen();
    assert.deepEqual(await store().signIns(), [kept]);
  });

  check('sign-ins are forgotten when their time is over', async (store) => {
    await store().addKey(keyOf('aaaaaaaaaaaa'));
    for (const [letter, expiresAt] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const)
      await store().addSignIn(signInOf(letter, 'aaaaaaaaaaaa', { expiresAt }));
    await store().pruneSignIns(2);
    assert.deepEqual(
      (await store().signIns()).map(({ expiresAt }) => expiresAt),
      [2, 3],
    );
    await store().pruneSignIns(Number.MAX_SAFE_INTEGER);
    assert.deepEqual(await store().signIns(), []);
  });
}
