import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { openAuthenticator } from './authenticator.ts';
import { countFailedAttempts } from './failed-attempts.ts';
import { makeKey } from './key.ts';
import { lifetimeMs, openSignIns } from './sign-ins.ts';

function world() {
  const clock = createVirtualClock();
  const auth = openAuthenticator(clock);
  const [ada, bob] = [makeKey(), makeKey()];
  const entryOf = (key: typeof ada, name: string) => ({ id: key.id, hash: key.hash, name, scopes: ['read'] as const });
  const keys = [entryOf(ada, 'ada'), entryOf(bob, 'bob')];
  auth.apply({ revision: 1, keys });
  return { clock, auth, keys, ada, bob, signIns: openSignIns(clock) };
}

test('each sign-in has an id of its own, which opens until it is ended and nothing else does', () => {
  const { auth, ada, signIns } = world();
  const holder = auth.authenticate(ada.secret);
  const [first, second] = [signIns.begin(holder), signIns.begin(holder)];
  assert.notEqual(first.id, second.id);
  assert.match(first.id, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(signIns.holderOf(first.id).name, 'ada');
  assert.equal(signIns.end(first.id), true);
  assert.equal(signIns.end(first.id), false);
  assert.throws(() => signIns.holderOf(first.id), { code: 'UNAUTHENTICATED' });
  assert.equal(first.holder.isGood(), false);
  assert.equal(signIns.holderOf(second.id).isGood(), true);
  for (const made of ['', 'x'.repeat(43), ada.secret, `${second.id}x`, '__proto__'])
    assert.throws(() => signIns.holderOf(made), { code: 'UNAUTHENTICATED' }, made);
});

test('it ends with its time, and with the key at once', () => {
  const { clock, auth, ada, bob, keys, signIns } = world();
  const first = signIns.begin(auth.authenticate(ada.secret));
  assert.equal(first.expiresAt, clock.wall() + lifetimeMs);
  clock.pass(lifetimeMs - 1);
  assert.equal(signIns.holderOf(first.id).name, 'ada');
  clock.pass(1);
  assert.throws(() => signIns.holderOf(first.id), { code: 'UNAUTHENTICATED' });
  const [one, other] = [signIns.begin(auth.authenticate(ada.secret)), signIns.begin(auth.authenticate(bob.secret))];
  auth.apply({ revision: 2, keys: keys.slice(1) });
  assert.throws(() => signIns.holderOf(one.id), { code: 'UNAUTHENTICATED' });
  assert.equal(signIns.holderOf(other.id).name, 'bob');
});

test('how many are open is bounded: of one key the oldest goes first, and no key pushes out another', () => {
  const { auth, ada, bob, signIns } = world();
  const kept = signIns.begin(auth.authenticate(bob.secret));
  const many = Array.from({ length: 50 }, () => signIns.begin(auth.authenticate(ada.secret)));
  assert.equal(signIns.open, 21);
  assert.equal(signIns.holderOf(kept.id).name, 'bob');
  assert.throws(() => signIns.holderOf(many[29]?.id ?? ''), { code: 'UNAUTHENTICATED' });
  assert.equal(signIns.holderOf(many[30]?.id ?? '').name, 'ada');
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
