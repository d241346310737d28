/** The first key of a platform: made here, or given by whoever starts control. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashOf, makeKey } from '../auth/key.ts';
import { systemClock } from '../clock.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { ensureAdminKey } from './key-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'fb-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a key that is given is the first, and is left nowhere; one that was revoked does not come back', async () => {
  await using store = openSqliteStore(join(folder, 'given.db'));
  const path = join(folder, 'given.key');
  const { secret, id } = makeKey();
  const ensure = () => ensureAdminKey(store, systemClock, { path, given: secret, name: 'ada' });
  await ensure();
  await ensure();
  const [key, ...more] = await store.keys();
  assert.deepEqual([key?.id, key?.hash, key?.scopes, more], [id, hashOf(secret).toString('hex'), ['admin'], []]);
  assert.equal(existsSync(path), false);
  const other = makeKey();
  await store.addKey({ ...key!, id: other.id, hash: other.hash });
  await store.removeKey(id);
  await ensure();
  assert.deepEqual(
    (await store.keys()).map((each) => each.id),
    [other.id],
  );
});

test('without one it is made, and stands where this user alone reads it; what is no key is refused', async () => {
  await using store = openSqliteStore(join(folder, 'made.db'));
  const path = join(folder, 'made.key');
  await assert.rejects(ensureAdminKey(store, systemClock, { path, given: 'secret', name: 'ada' }), {
    code: 'INVALID_REQUEST',
  });
  assert.deepEqual(await store.keys(), []);
  await ensureAdminKey(store, systemClock, { path, name: 'ada' });
  const [key] = await store.keys();
  assert.equal(key?.hash, hashOf(readFileSync(path, 'utf8').trim()).toString('hex'));
});
