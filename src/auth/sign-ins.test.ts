import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { FlyballError } from '../errors.ts';
import type { KeyRecord } from '../store/store.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { openAuthenticator } from './authenticator.ts';
import { countFailedAttempts } from './failed-attempts.ts';
import { makeKey } from './key.ts';
import { lifetimeMs, openSignIns, usedEveryMs, type SignInMemory } from './sign-ins.ts';

async function world() {
  const clock = createVirtualClock();
  const store = openSqliteStore(':memory:');
  const auth = openAuthenticator(clock);
  const [ada, bob] = [makeKey(), makeKey()];
  const entryOf = ({ id, hash }: typeof ada, name: string) => ({ id, hash, name, scopes: ['read'] as const });
  const keys = [entryOf(ada, 'ada'), entryOf(bob, 'bob')];
  for (const key of keys) await store.addKey({ ...key, createdAt: 1, createdBy: 'ada' } satisfies KeyRecord);
  auth.apply({ revision: 1, keys });
  const open = (memory: SignInMemory = store) => openSignIns({ auth, memory, clock });
  /** A control that comes after this one, `downMs` later, and finds these keys. */
  const next = (downMs = 0, found: readonly KeyRecord['id'][] = keys.map(({ id }) => id)) => {
    clock.pass(downMs);
    const after = openAuthenticator(clock);
    after.apply({ revision: 2, keys: keys.filter(({ id }) => found.includes(id)) });
    return openSignIns({ auth: after, memory: store, clock });
  };
  const signIns = await open();
  return { clock, store, auth, keys, ada, bob, signIns, open, next, [Symbol.asyncDispose]: store[Symbol.asyncDispose] };
}

const refused = { code: 'UNAUTHENTICATED' };

test('each sign-in has an id of its own, which opens until it is ended and nothing else does', async () => {
  await using it = await world();
  const { ada, signIns } = it;
  const [first, second] = [await signIns.begin(ada.id), await signIns.begin(ada.id)];
  assert.notEqual(first.id, second.id);
  assert.match(first.id, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(signIns.holderOf(first.id).name, 'ada');
  assert.equal(await signIns.end(first.id), true);
  assert.equal(await signIns.end(first.id), false);
  assert.throws(() => signIns.holderOf(first.id), refused);
  assert.equal(first.holder.isGood(), false);
  assert.equal(signIns.holderOf(second.id).isGood(), true);
  for (const made of ['', 'x'.repeat(43), ada.secret, `${second.id}x`, '__proto__'])
    assert.throws(() => signIns.holderOf(made), refused, made);
});

test('it ends with its time, and with the key at once', async () => {
  await using it = await world();
  const { clock, auth, ada, bob, keys, signIns } = it;
  const first = await signIns.begin(ada.id);
  assert.equal(first.expiresAt, clock.wall() + lifetimeMs);
  clock.pass(lifetimeMs - 1);
  assert.equal(signIns.holderOf(first.id).name, 'ada');
  clock.pass(1);
  assert.throws(() => signIns.holderOf(first.id), refused);
  const [one, other] = [await signIns.begin(ada.id), await signIns.begin(bob.id)];
  auth.apply({ revision: 2, keys: keys.slice(1) });
  assert.throws(() => signIns.holderOf(one.id), refused);
  assert.equal(signIns.holderOf(other.id).name, 'bob');
  await assert.rejects(signIns.begin(ada.id), refused);
});

test('how many are open is bounded: of one key the least recently used goes first, and no key pushes out another', async () => {
  await using it = await world();
  const { clock, store, ada, bob, signIns } = it;
  const kept = await signIns.begin(bob.id);
  const many: string[] = [];
  for (let index = 0; index < 20; index += 1) many.push((await signIns.begin(ada.id)).id);
  clock.pass(usedEveryMs);
  signIns.holderOf(many[0] ?? '');
  for (let index = 0; index < 10; index += 1) many.push((await signIns.begin(ada.id)).id);
  assert.equal(signIns.open, 21);
  assert.equal((await store.signIns()).length, 21, 'nor does the store hold more');
  for (const id of [kept.id, many[0] ?? '', many[11] ?? '']) assert.equal(signIns.holderOf(id).isGood(), true);
  for (const id of many.slice(1, 11)) assert.throws(() => signIns.holderOf(id), refused);
});

test('whoever was signed in when control died is so when it is back, until the time that was said', async () => {
  await using it = await world();
  const { clock, store, ada, signIns } = it;
  const { id, expiresAt } = await signIns.begin(ada.id);
  assert.doesNotMatch(JSON.stringify(await store.signIns()), new RegExp(`${id}|${ada.secret}`));
  const second = await it.next(3_600_000);
  assert.equal(second.holderOf(id).name, 'ada');
  assert.equal(second.expiresAt(id), expiresAt);
  assert.equal(second.holderOf(id).isGood(), true);
  clock.pass(lifetimeMs - 3_600_000);
  assert.throws(() => second.holderOf(id), refused);
});

test('one that ended before control died, or while it was away, does not come back', async () => {
  await using it = await world();
  const { store, ada, bob, signIns } = it;
  const out = await signIns.begin(ada.id);
  await signIns.end(out.id);
  const [adas, bobs] = [await signIns.begin(ada.id), await signIns.begin(bob.id)];
  // Its key has expired meanwhile, or was taken out of the store by somebody else's hand.
  const second = await it.next(0, [bob.id]);
  for (const { id } of [out, adas]) assert.throws(() => second.holderOf(id), refused);
  assert.equal(second.holderOf(bobs.id).name, 'bob');
  assert.equal((await store.signIns()).length, 1, 'and is not kept either');
  // Revoked: the table of keys of the next control does not have it, nor does the store have its sign-ins.
  await store.removeKey(bob.id);
  assert.deepEqual(await store.signIns(), []);
  assert.throws(() => second.holderOf(adas.id), refused);
  const carol = await signIns.begin(ada.id);
  const late = await it.next(lifetimeMs);
  assert.throws(() => late.holderOf(carol.id), refused);
  assert.equal(late.open, 0);
});

test('a wall clock that was put back while control was away makes none longer than a whole one', async () => {
  await using it = await world();
  const { clock, store, auth, ada, signIns } = it;
  const { id } = await signIns.begin(ada.id);
  const wall = (): number => clock.wall() - 30 * 86_400_000;
  const back = await openSignIns({ auth, memory: store, clock: { ...clock, wall } });
  assert.equal(back.expiresAt(id), wall() + lifetimeMs);
  clock.pass(lifetimeMs);
  assert.throws(() => back.holderOf(id), refused);
});

test('a disk that takes nothing lets people in until control ends, and does not say that it signed them out', async () => {
  await using it = await world();
  const { store, ada } = it;
  const full = async (): Promise<never> => {
    throw new FlyballError('DATA_DIR_UNUSABLE', 'the disk is full');
  };
  const none = async (): Promise<void> => undefined;
  const memory = {
    signIns: () => store.signIns(),
    pruneSignIns: none,
    useSignIn: full,
    addSignIn: full,
    removeSignIn: full,
  };
  const signIns = await it.open(memory);
  const { id } = await signIns.begin(ada.id);
  assert.equal(signIns.holderOf(id).name, 'ada');
  await assert.rejects(signIns.end(id), { code: 'DATA_DIR_UNUSABLE' });
  assert.throws(() => signIns.holderOf(id), refused, 'here it is over all the same');
});

test('of how it is used only some minutes are written', async () => {
  await using it = await world();
  const { clock, store, ada } = it;
  let writes = 0;
  const counting: SignInMemory = {
    signIns: () => store.signIns(),
    addSignIn: (record) => store.addSignIn(record),
    removeSignIn: (hash) => store.removeSignIn(hash),
    pruneSignIns: (at) => store.pruneSignIns(at),
    useSignIn(hash, usedAt) {
      writes += 1;
      return store.useSignIn(hash, usedAt);
    },
  };
  const signIns = await it.open(counting);
  const { id } = await signIns.begin(ada.id);
  for (let second = 0; second < 3600; second += 1) {
    clock.pass(1000);
    signIns.holderOf(id);
  }
  assert.equal(writes, 6);
  const [kept] = await store.signIns();
  assert.equal(kept?.usedAt, clock.wall());
});

test('ten failures at once are an address’s own business, then one in five seconds', () => {
  const clock = createVirtualClock();
  const failures = countFailedAttempts(clock);
  for (let index = 0; index < 10; index += 1) assert.equal(failures.count('10.0.0.1'), undefined);
  assert.equal(failures.count('10.0.0.1'), 5000);
  assert.equal(failures.count('10.0.0.2'), undefined);
  clock.pass(5000);
  assert.equal(failures.count('10.0.0.1'), undefined);
  for (let index = 0; index < 10; index += 1) failures.count(`2001:db8:0:1::${index}`);
  assert.notEqual(failures.count('2001:db8:0:1::ffff'), undefined);
  assert.equal(failures.count('2001:db8:0:2::1'), undefined);
});
