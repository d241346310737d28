import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { seededRng } from '../../rng.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import type { Outcome } from './delivery.ts';
import { startSender } from './sender.ts';

const limits = {
  bytesMax: 1000,
  itemsMax: 100,
  batchBytesMax: 500,
  batchItemsMax: 10,
  batchAgeMs: 100,
  backOffMinMs: 1000,
  backOffMaxMs: 8000,
};

function opened(send: (values: readonly number[], signal: AbortSignal) => Promise<Outcome>) {
  const clock = createVirtualClock();
  const sender = startSender<number>({ limits, timeoutMs: 5000, send, clock, rng: seededRng(1) });
  return { clock, sender };
}

const untilAborted = (signal: AbortSignal): Promise<Outcome> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });

test('what is offered goes in batches, with one timer for all that wait', async () => {
  const batches: (readonly number[])[] = [];
  const { clock, sender } = opened(async (values) => {
    batches.push(values);
    return { kind: 'accepted' };
  });
  for (let value = 0; value < 9; value += 1) sender.offer(value, 10);
  assert.equal(clock.pending, 1);
  clock.pass(100);
  await turn();
  assert.deepEqual(batches, [[0, 1, 2, 3, 4, 5, 6, 7, 8]]);
  assert.equal(sender.view().state, 'working');
  assert.equal(sender.view().lastSuccessAt, clock.wall());
});

test('a receiver that hangs is given up at the deadline; meanwhile nothing beyond the bound is held', async () => {
  const { clock, sender } = opened((_values, signal) => untilAborted(signal));
  for (let value = 0; value < 10_000; value += 1) sender.offer(value, 10);
  assert.equal(sender.view().waiting, 100);
  assert.equal(sender.view().dropped.full, 9900);
  clock.pass(5000);
  await turn();
  const { state, lastError, failures } = sender.view();
  assert.deepEqual([state, lastError, failures], ['failing', 'no answer in 5000 ms', 1]);
});

test('a transport that throws is tried again, and its error stays to be read after it works', async () => {
  let attempts = 0;
  const { clock, sender } = opened(async () => {
    attempts += 1;
    if (attempts < 3) throw new Error('it answered 500');
    return { kind: 'accepted' };
  });
  for (let value = 0; value < 10; value += 1) sender.offer(value, 10);
  for (let second = 0; second < 6; second += 1) {
    await turn();
    clock.pass(1000);
  }
  await turn();
  const { state, sent, lastError } = sender.view();
  assert.deepEqual([attempts, state, sent, lastError], [3, 'working', 10, 'it answered 500']);
});

test('closing sends what waits', async () => {
  const got: number[] = [];
  const { sender } = opened(async (values) => {
    got.push(...values);
    return { kind: 'accepted' };
  });
  for (let value = 0; value < 35; value += 1) sender.offer(value, 10);
  await sender.close(1000);
  assert.equal(got.length, 35);
  sender.offer(36, 10);
  assert.deepEqual([sender.view().waiting, sender.view().dropped.closed], [0, 1]);
});

test('closing beside a receiver that hangs ends with the grace, and counts what is lost', async () => {
  const { clock, sender } = opened((_values, signal) => untilAborted(signal));
  for (let value = 0; value < 35; value += 1) sender.offer(value, 10);
  const closed = sender.close(1000);
  await turn();
  clock.pass(1000);
  await closed;
  const { waiting, dropped, sent } = sender.view();
  assert.deepEqual([waiting, dropped.closed, sent], [0, 35, 0]);
  assert.equal(clock.pending, 0);
});

test('a transport that obeys no signal is said to fail at its deadline, and does not hold up the end', async () => {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const { clock, sender } = opened(() => promise);
  for (let value = 0; value < 10; value += 1) sender.offer(value, 10);
  clock.pass(5000);
  assert.deepEqual([sender.view().state, sender.view().lastError], ['failing', 'no answer in 5000 ms']);
  const closed = sender.close(1000);
  clock.pass(1000);
  await turn();
  clock.pass(1000);
  await closed;
  resolve({ kind: 'accepted' });
  await turn();
  assert.deepEqual([sender.view().sent, sender.view().dropped.closed], [0, 10]);
});

test('closing does not wait for a pause that is longer than the grace', async () => {
  const { clock, sender } = opened(async () => ({ kind: 'failed', why: '503', retryAfterMs: 60_000 }));
  for (let value = 0; value < 10; value += 1) sender.offer(value, 10);
  await turn();
  await sender.close(2000);
  assert.deepEqual([clock.now(), sender.view().dropped.closed], [0, 10]);
});
