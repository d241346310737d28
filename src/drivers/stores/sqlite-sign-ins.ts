/** The steps of browsers' sign-ins on a SQLite connection (sqlite-steps.ts has the rest). */
import type { DatabaseSync } from 'node:sqlite';
import { FlyballError } from '../../errors.ts';
import { isConstraint } from './sqlite-failure.ts';
import type { StoreSteps } from './sqlite-steps.ts';

type SignInSteps = Pick<StoreSteps, 'signIns' | 'addSignIn' | 'useSignIn' | 'removeSignIn' | 'pruneSignIns'>;

export function sqliteSignInSteps(database: DatabaseSync): SignInSteps {
  const sql = (text: string) => database.prepare(text);
  const prepared = {
    all: sql('SELECT * FROM sign_ins ORDER BY used_at, hash'),
    hasKey: sql('SELECT 1 FROM keys WHERE id = ?'),
    add: sql('INSERT INTO sign_ins (hash, key_id, expires_at, used_at) VALUES (?, ?, ?, ?)'),
    use: sql('UPDATE sign_ins SET used_at = ? WHERE hash = ?'),
    remove: sql('DELETE FROM sign_ins WHERE hash = ?'),
    prune: sql('DELETE FROM sign_ins WHERE expires_at < ?'),
  };
  return {
    signIns: () =>
      prepared.all.all().map((row) => ({
        hash: String(row['hash']),
        keyId: String(row['key_id']),
        expiresAt: Number(row['expires_at']),
        usedAt: Number(row['used_at']),
      })),
    addSignIn: ({ hash, keyId, expiresAt, usedAt }) => {
      if (prepared.hasKey.get(keyId) === undefined)
        throw new FlyballError('KEY_NOT_FOUND', `there is no key ${keyId} to sign in with`);
      try {
        prepared.add.run(hash, keyId, expiresAt, usedAt);
      } catch (error) {
        if (!isConstraint(error)) throw error;
        throw new FlyballError('CONFLICT', 'there is a sign-in with this id already', { cause: error });
      }
    },
    useSignIn: (hash, usedAt) => void prepared.use.run(usedAt, hash),
    removeSignIn: (hash) => void prepared.remove.run(hash),
    pruneSignIns: (at) => void prepared.prune.run(at),
  };
}
