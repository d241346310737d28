import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { openOperations } from './operations.ts';

const request = { kind: 'scale', subject: 'd', by: 'ada', deployments: ['d'] } as const;

test('a change that fails half way leaves neither the change nor an operation that would wait for it', async () => {
  await using store = openSqliteStore(':memory:');
  const operations = openOperations(store, systemClock);
  const started = operations.start(request, async (access) => {
    await access.setMeta('first', 'written');
    throw new Error('the second could not be written');
  });
  await assert.rejects(started, /the second could not be written/);
  assert.equal(await store.meta('first'), undefined);
  assert.deepEqual(operations.running(), []);
  assert.deepEqual(await store.operations(), []);
});

test('an operation that was under way is taken up once, and ends once', async () => {
  await using store = openSqliteStore(':memory:');
  const { id } = await openOperations(store, systemClock).start(request, (access) => access.setMeta('d', '2'));
  const next = openOperations(store, systemClock);
  await next.resume();
  const [operation] = next.running();
  assert.equal(operation?.id, id);
  operation?.end();
  operation?.end({ type: '', title: '', status: 500, code: 'INTERNAL', detail: 'too late' });
  await next.flushed();
  assert.deepEqual(
    (await store.operations()).map(({ state }) => state),
    ['succeeded'],
  );
  const third = openOperations(store, systemClock);
  await third.resume();
  assert.deepEqual(third.running(), []);
});

test(
  'whoever waits is answered by a step, by the end, by the time given, or because nobody listens any more',
  { timeout: 10_000 },
  async () => {
    await using store = openSqliteStore(':memory:');
    const operations = openOperations(store, systemClock);
    const operation = await operations.start(request, async () => {});
    const open = new AbortController();
    const byStep = operations.wait(operation.id, 0, 30_000, open.signal);
    operation.step('began', 'ok');
    assert.equal((await byStep).steps.length, 1);
    assert.equal((await operations.wait(operation.id, 1, 5, open.signal)).state, 'running');
    const byHangUp = operations.wait(operation.id, 1, 30_000, open.signal);
    open.abort();
    assert.equal((await byHangUp).state, 'running');
    assert.equal((await operations.wait(operation.id, 1, 30_000, open.signal)).state, 'running');
    const byEnd = operations.wait(operation.id, 1, 30_000, new AbortController().signal);
    operation.end();
    assert.equal((await byEnd).state, 'succeeded');
    await assert.rejects(operations.wait('none', 0, 0, open.signal), { code: 'OPERATION_NOT_FOUND' });
  },
);
