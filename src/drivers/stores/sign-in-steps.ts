/** The steps of browsers' sign-ins (steps.ts has the rest). */
import { FlyballError } from '../../errors.ts';
import { change, first, list, put, run } from './statement.ts';
import type { StoreSteps } from './steps.ts';

type SignInSteps = Pick<StoreSteps, 'signIns' | 'addSignIn' | 'useSignIn' | 'removeSignIn' | 'pruneSignIns'>;

export const signInSteps: SignInSteps = {
  signIns: () =>
    list(
      (row) => ({
        hash: String(row['hash']),
        keyId: String(row['key_id']),
        expiresAt: Number(row['expires_at']),
        usedAt: Number(row['used_at']),
      }),
      'SELECT * FROM sign_ins ORDER BY used_at, hash',
    ),
  addSignIn: ({ hash, keyId, expiresAt, usedAt }) =>
    change(function* () {
      if ((yield* first('SELECT 1 FROM keys WHERE id = ?1', keyId)) === undefined)
        throw new FlyballError('KEY_NOT_FOUND', `there is no key ${keyId} to sign in with`);
      const text = `INSERT INTO sign_ins (hash, key_id, expires_at, used_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (hash) DO NOTHING`;
      if ((yield* run(text, hash, keyId, expiresAt, usedAt)) === 0)
        throw new FlyballError('CONFLICT', 'there is a sign-in with this id already');
    }),
  useSignIn: (hash, usedAt) => put('UPDATE sign_ins SET used_at = ?1 WHERE hash = ?2', usedAt, hash),
  removeSignIn: (hash) => put('DELETE FROM sign_ins WHERE hash = ?1', hash),
  pruneSignIns: (at) => put('DELETE FROM sign_ins WHERE expires_at < ?1', at),
};
