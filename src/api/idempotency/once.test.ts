import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import { FlyballError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { fingerprintOf, idempotencyKeyIn, keptMs } from './judge.ts';
import { doOnce, type KeyedRequest } from './once.ts';

const request: KeyedRequest = { caller: 'ada', key: 'k', fingerprint: 'f', isSecret: false };

async function world(store: Store = openSqliteStore(':memory:')) {
  const clock = createVirtualClock();
  const done: string[] = [];
  const once = doOnce(() => store, clock);
  const act =
    (what: string, result: () => unknown = () => ({ what })) =>
    async (): Promise<unknown> => {
      done.push(what);
      return result();
    };
  return { store, clock, once, act, done, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

test('the same key and request have the first answer again, and nothing is done twice', async () => {
  await using it = await world();
  assert.deepEqual(await it.once(request, it.act('a')), { value: { what: 'a' }, isAgain: false });
  assert.deepEqual(await it.once(request, it.act('b')), { value: { what: 'a' }, isAgain: true });
  // Another caller's key is another key.
  assert.equal((await it.once({ ...request, caller: 'bob' }, it.act('c'))).isAgain, false);
  assert.deepEqual(it.done, ['a', 'c']);
});

test('another request with the key is refused', async () => {
  await using it = await world();
  await it.once(request, it.act('a'));
  await assert.rejects(it.once({ ...request, fingerprint: 'other' }, it.act('b')), { code: 'IDEMPOTENCY_KEY_REUSED' });
  assert.deepEqual(it.done, ['a']);
});

test('while the first is being done the second is told to wait, from the very beginning', async () => {
  await using it = await world();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const first = it.once(
    request,
    it.act('a', () => promise),
  );
  await assert.rejects(it.once(request, it.act('b')), { code: 'IDEMPOTENCY_RUNNING', retryAfterSeconds: 1 });
  await assert.rejects(it.once({ ...request, fingerprint: 'g' }, it.act('c')), { code: 'IDEMPOTENCY_KEY_REUSED' });
  resolve('done');
  assert.equal((await first).value, 'done');
  assert.deepEqual(await it.once(request, it.act('d')), { value: 'done', isAgain: true });
  assert.deepEqual(it.done, ['a']);
});

test('a refusal is an answer too; what may be tried again unchanged is tried again', async () => {
  await using it = await world();
  const fail = (error: FlyballError) => (): never => {
    throw error;
  };
  const busy = fail(new FlyballError('DRAINING', 'stopping'));
  await assert.rejects(it.once(request, it.act('a', busy)), { code: 'DRAINING' });
  const bounds = fail(new FlyballError('OUT_OF_BOUNDS', 'expected 1 to 4'));
  await assert.rejects(it.once(request, it.act('b', bounds)), { code: 'OUT_OF_BOUNDS' });
  await assert.rejects(it.once(request, it.act('c')), { code: 'OUT_OF_BOUNDS', message: 'expected 1 to 4' });
  assert.deepEqual(it.done, ['a', 'b']);
});

test('after control has died in the middle nobody knows, and it is not done again', async () => {
  await using it = await world();
  void it.once(
    request,
    it.act('a', () => new Promise(() => undefined)),
  );
  await it.store.request('ada', 'k');
  const next = doOnce(() => it.store, it.clock);
  await assert.rejects(next(request, it.act('b')), { code: 'IDEMPOTENCY_UNKNOWN', message: /interrupted/ });
  assert.deepEqual(it.done, ['a']);
});

test('a secret is kept nowhere, nor is an answer without bound; neither is made twice', async () => {
  await using it = await world();
  const key = { secret: 'flyball_secret' };
  assert.deepEqual(
    (
      await it.once(
        { ...request, isSecret: true },
        it.act('a', () => key),
      )
    ).value,
    key,
  );
  assert.ok(!JSON.stringify(await it.store.request('ada', 'k')).includes('flyball_secret'));
  await assert.rejects(it.once(request, it.act('b')), { code: 'IDEMPOTENCY_UNKNOWN', message: /not kept/ });
  const long = { ...request, key: 'long' };
  await it.once(
    long,
    it.act('c', () => 'x'.repeat(70_000)),
  );
  await assert.rejects(it.once(long, it.act('d')), { code: 'IDEMPOTENCY_UNKNOWN' });
  assert.deepEqual(it.done, ['a', 'c']);
});

test('after a day the key is free', async () => {
  await using it = await world();
  await it.once(request, it.act('a'));
  it.clock.pass(keptMs);
  assert.equal((await it.once(request, it.act('b'))).isAgain, true);
  it.clock.pass(1);
  assert.deepEqual(await it.once({ ...request, fingerprint: 'other' }, it.act('c')), {
    value: { what: 'c' },
    isAgain: false,
  });
});

test('a disk that is full before refuses, and after tells what was done all the same', async () => {
  const store = openSqliteStore(':memory:');
  const disk = { full: false };
  const refuse = (): Promise<never> => Promise.reject(new FlyballError('DATA_DIR_UNUSABLE', 'the disk is full'));
  const full: Store = {
    ...store,
    beginRequest: (record) => (disk.full ? refuse() : store.beginRequest(record)),
    endRequest: (record) => (disk.full ? refuse() : store.endRequest(record)),
  };
  await using it = await world(full);
  disk.full = true;
  await assert.rejects(it.once(request, it.act('a')), { code: 'DATA_DIR_UNUSABLE' });
  disk.full = false;
  const result = await it.once(
    request,
    it.act('b', () => ((disk.full = true), 'done')),
  );
  assert.equal(result.value, 'done');
  disk.full = false;
  await assert.rejects(it.once(request, it.act('c')), { code: 'IDEMPOTENCY_UNKNOWN' });
  assert.deepEqual(it.done, ['b']);
});

test('whatever asks in whatever order, a key acts at most once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 20 }),
      fc.scheduler(),
      async (keys, order) => {
        await using it = await world();
        const runs = keys.map((key) =>
          it.once({ ...request, key }, async () => {
            await order.schedule(Promise.resolve(), key);
            return it.act(key)();
          }),
        );
        const settled = Promise.allSettled(runs);
        await it.store.meta('all have begun');
        await order.waitAll();
        await settled;
        assert.deepEqual(it.done.toSorted(), [...new Set(keys)].toSorted());
      },
    ),
    { numRuns: 20 },
  );
});

test('keys are read bare or quoted, and what is no key is refused', () => {
  assert.equal(idempotencyKeyIn({}), undefined);
  assert.equal(idempotencyKeyIn({ 'idempotency-key': '"8e03978e-40d5"' }), '8e03978e-40d5');
  assert.equal(idempotencyKeyIn({ 'idempotency-key': '8e03978e-40d5' }), '8e03978e-40d5');
  for (const bad of ['', '""', 'a b', 'é', 'x'.repeat(256)])
    assert.throws(() => idempotencyKeyIn({ 'idempotency-key': bad }), { code: 'INVALID_REQUEST' }, bad);
  const base = { method: 'PUT', url: '/a', body: { x: 1, y: 2 }, ifMatch: undefined };
  assert.equal(fingerprintOf(base), fingerprintOf({ ...base, body: { y: 2, x: 1 } }));
  for (const other of [{ method: 'POST' }, { url: '/b' }, { body: { x: 1 } }, { ifMatch: '"a"' }])
    assert.notEqual(fingerprintOf(base), fingerprintOf({ ...base, ...other }));
});
