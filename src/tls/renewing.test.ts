import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '../rng.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { certify, makeAuthority, makeKey, readPublicKey } from './authority.ts';
import { isOver, lifeOf, renewalOf, retryMs } from './life.ts';
import { liveIdentity } from './live-identity.ts';
import { identityOf } from './platform-authority.ts';
import { keepRenewed, RefusedForGood } from './renewing.ts';

const hour = 3_600_000;
const lifetimeMs = 24 * hour;

/** A process that keeps its certificate, under a clock that the test moves; `control` says what asking brings. */
function world(name = 'replica/a', givenMs = lifetimeMs) {
  const clock = createVirtualClock();
  const authority = makeAuthority('test', clock.wall());
  const identity = liveIdentity(identityOf(authority, name, 'peer', clock.wall(), givenMs));
  const told: string[] = [];
  const asked: number[] = [];
  let control: 'answers' | 'is away' | 'refuses' | { readonly names: string } = 'answers';
  const stop = keepRenewed({
    identity,
    async ask(publicKey) {
      asked.push(clock.now());
      if (control === 'is away') throw new Error('connect ECONNREFUSED');
      if (control === 'refuses') throw new RefusedForGood('control does not take it');
      const order = { identity: control === 'answers' ? name : control.names, role: 'peer', at: clock.wall() } as const;
      const key = readPublicKey(publicKey);
      assert.ok(key !== undefined);
      return certify(authority, { ...order, lifetimeMs }, key);
    },
    clock,
    rng: seededRng(1),
    onRenewed: () => told.push('renewed'),
    onTrouble: (message) => told.push(`trouble: ${message.replace(/\d{4}.*? UTC/, 'TIME')}`),
    onRefused: (message) => told.push(`refused: ${message.replace(/\d{4}.*? UTC/, 'TIME')}`),
  });
  return {
    clock,
    identity,
    told,
    asked,
    stop,
    control: (next: typeof control) => void (control = next),
    /** Timers run at their time, and what they have begun goes on before the next. */
    pass: async (hours: number) => {
      for (let left = hours * hour; left > 0; left -= hour / 4) {
        clock.pass(Math.min(left, hour / 4));
        await new Promise(setImmediate);
      }
    },
  };
}

test('it asks at two thirds of the life, again and again, with another key each time', async () => {
  const { pass, told, asked, identity, clock, stop } = world();
  const first = identity.key;
  await pass(13.4);
  assert.deepEqual(asked, [], 'not before 57 % of it');
  await pass(2.8);
  assert.deepEqual(told, ['renewed']);
  assert.notEqual(identity.key, first);
  await pass(5 * 24);
  assert.ok(told.length >= 8 && told.every((each) => each === 'renewed'), told.join());
  assert.ok(!isOver(lifeOf(identity.certificate), clock.wall()));
  stop();
  assert.equal(clock.pending, 0);
});

test('while control is away it goes on asking, says so once, and goes on when control is back before the end', async () => {
  const { pass, told, asked, control, identity, clock, stop } = world();
  control('is away');
  await pass(23);
  assert.match(told.join(), /^trouble: its certificate, good until TIME, could not be renewed: connect ECONNREFUSED$/);
  assert.ok(asked.length > 20 && asked.length < 2000, `${asked.length} questions`);
  control('answers');
  await pass(1);
  assert.equal(told.at(-1), 'renewed');
  assert.ok(!isOver(lifeOf(identity.certificate), clock.wall() + 22 * hour));
  stop();
});

test('one that has expired waits for control, and is told for good when control does not take it', async () => {
  const { pass, told, control, clock } = world();
  control('is away');
  await pass(48);
  assert.equal(told.length, 1, 'nobody has refused it: whoever it serves is served on');
  control('refuses');
  await pass(1);
  assert.equal(told.at(-1), 'refused: its certificate has expired at TIME: control does not take it');
  const { length } = told;
  await pass(24);
  assert.equal(told.length, length);
  assert.equal(clock.pending, 0);
});

test('a refusal while it is in force is no end: control may be of another mind later', async () => {
  const { pass, told, control, stop } = world();
  control('refuses');
  await pass(20);
  assert.match(told.join(), /^trouble: [^,]*, good until TIME, could not be renewed: control does not take it$/);
  control('answers');
  await pass(1);
  assert.equal(told.at(-1), 'renewed');
  stop();
});

test('a certificate for another name never comes into force', async () => {
  const { pass, told, control, identity, stop } = world();
  const { certificate } = identity;
  control({ names: 'gateway' });
  await pass(20);
  assert.match(told.join(), /names URI:flyball:\/\/gateway, expected URI:flyball:\/\/replica\/a/);
  assert.equal(identity.certificate, certificate);
  stop();
});

test('one that was given for longer is used until its last day, without asking all the time', async () => {
  const { pass, told, asked, clock, stop } = world('gateway', 4 * lifetimeMs);
  await pass(3 * 24 - 1);
  assert.deepEqual(told, []);
  assert.ok(asked.length === 1, `${asked.length} questions`);
  await pass(26);
  assert.ok(told.length > 0 && told.every((each) => each === 'renewed'), told.join());
  assert.ok(clock.now() - (asked[1] ?? 0) < 2 * lifetimeMs);
  stop();
});

test('only public keys of the profile are certified', () => {
  const { key, publicKey } = makeKey();
  assert.ok(readPublicKey(publicKey) !== undefined);
  for (const wrong of ['', key, 'hello', publicKey.replaceAll('A', 'B')]) assert.equal(readPublicKey(wrong), undefined);
});

test('whoever is answered once in the last third goes on without a gap, however long the life and whatever the chance', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 2000, max: 365 * 24 * hour }),
      chance,
      fc.integer({ min: 1, max: 60 }),
      (ms, c, n) => {
        const life = { from: 1000, until: 1000 + ms };
        const at = renewalOf(life, c);
        assert.ok(at > life.from + ms / 2 && at <= life.from + (ms * 2) / 3 + 1);
        const wait = retryMs(life, n, c);
        assert.ok(wait > 0 && wait <= Math.min(60_000, ms * 0.05) + 1, `${wait} of ${ms}`);
      },
    ),
  );
});
