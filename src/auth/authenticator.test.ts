import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue, FlyballError } from '../errors.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { openAuthenticator } from './authenticator.ts';
import { makeKey, presentedKey, type NewKey } from './key.ts';
import type { KeyEntry } from './key-table.ts';

const entryOf = (key: NewKey, more: Partial<KeyEntry> = {}): KeyEntry => ({
  id: key.id,
  hash: key.hash,
  name: 'ada',
  scopes: ['infer'],
  ...more,
});

function refusalOf(act: () => unknown): FlyballError {
  try {
    act();
  } catch (thrown) {
    assert.ok(thrown instanceof FlyballError);
    return thrown;
  }
  return assert.fail('it was accepted');
}

test('a key opens under its name; unknown, altered, revoked, expired and malformed ones get one and the same answer', () => {
  const clock = createVirtualClock();
  const auth = openAuthenticator(clock);
  const [good, gone, old, never] = [makeKey(), makeKey(), makeKey(), makeKey()];
  const keys = [entryOf(good), entryOf(gone), entryOf(old, { expiresAt: clock.wall() + 1000 })];
  auth.apply({ revision: 1, keys });
  for (const key of [good, gone, old]) assert.equal(auth.authenticate(key.secret).name, 'ada');
  auth.apply({ revision: 2, keys: keys.filter(({ id }) => id !== gone.id) });
  clock.pass(1000);
  const altered = good.secret.slice(0, -1) + (good.secret.endsWith('A') ? 'B' : 'A');
  const refused = [never.secret, altered, gone.secret, old.secret, '', 'secret', good.secret.repeat(500)];
  const answers = refused.map((secret) => refusalOf(() => auth.authenticate(secret)));
  assert.deepEqual(new Set(answers.map(({ code, message }) => `${code} ${message}`)).size, 1);
  assert.equal(answers[0]?.status, 401);
  assert.equal(auth.authenticate(good.secret).name, 'ada');
});

test('what was accepted on a connection is no longer when the table without it is in force', () => {
  const clock = createVirtualClock();
  const auth = openAuthenticator(clock);
  const key = makeKey();
  const connection = {};
  auth.apply({ revision: 1, keys: [entryOf(key, { expiresAt: clock.wall() + 10_000 })] });
  const holder = auth.authenticate(key.secret, connection);
  assert.equal(auth.authenticate(key.secret, connection), holder);
  auth.apply({ revision: 2, keys: [] });
  assert.equal(refusalOf(() => auth.authenticate(key.secret, connection)).code, 'UNAUTHENTICATED');
  assert.equal(refusalOf(() => holder.admit()).code, 'UNAUTHENTICATED', 'a stream that was let in before');
  auth.apply({ revision: 3, keys: [entryOf(key, { expiresAt: clock.wall() + 10_000 })] });
  assert.equal(auth.authenticate(key.secret, connection).name, 'ada');
  clock.pass(10_000);
  assert.equal(refusalOf(() => auth.authenticate(key.secret, connection)).code, 'UNAUTHENTICATED', 'it has expired');
});

test('over its rate a key is refused with the wait, and the change of another key gives it nothing back', () => {
  const clock = createVirtualClock();
  const auth = openAuthenticator(clock);
  const key = makeKey();
  const limited = entryOf(key, { rate: { perSecond: 2, burst: 3 } });
  auth.apply({ revision: 1, keys: [limited] });
  for (let index = 0; index < 3; index += 1) auth.authenticate(key.secret).admit();
  auth.apply({ revision: 2, keys: [limited, entryOf(makeKey())] });
  const refused = refusalOf(() => auth.authenticate(key.secret).admit());
  assert.deepEqual([refused.code, refused.status, refused.retryAfterSeconds], ['RATE_LIMITED', 429, 1]);
  clock.pass(500);
  auth.authenticate(key.secret).admit();
});

test('Bearer and X-API-Key carry a key; another scheme does not', () => {
  assert.equal(presentedKey('Bearer abc', undefined), 'abc');
  assert.equal(presentedKey('bearer  abc ', 'other'), 'abc');
  assert.equal(presentedKey(undefined, ' abc '), 'abc');
  assert.equal(presentedKey('Basic YTpi', 'abc'), '');
  assert.equal(presentedKey(undefined, undefined), undefined);
  assert.ok(catalogue.UNAUTHENTICATED.status === 401);
});
