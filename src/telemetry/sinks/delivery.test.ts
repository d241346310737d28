import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOffMs, parseRetryAfter } from './back-off.ts';
import { Delivery, type DeliveryLimits } from './delivery.ts';

const limits: DeliveryLimits = {
  bytesMax: 100,
  itemsMax: 10,
  batchBytesMax: 50,
  batchItemsMax: 4,
  batchAgeMs: 1000,
  backOffMinMs: 100,
  backOffMaxMs: 1000,
};

function filled(count: number, more: Partial<DeliveryLimits> = {}): Delivery<number> {
  const delivery = new Delivery<number>({ ...limits, ...more });
  for (let value = 1; value <= count; value += 1) delivery.offer(value, 10, 0);
  return delivery;
}

test('a batch goes when it is full, or when its oldest item is old enough', () => {
  assert.deepEqual(filled(3).next(10), { kind: 'wait', until: 1000 });
  assert.deepEqual(filled(3).next(1000), { kind: 'send', values: [1, 2, 3], bytes: 30, attempt: 1 });
  assert.deepEqual(filled(4).next(10), { kind: 'send', values: [1, 2, 3, 4], bytes: 40, attempt: 1 });
  assert.deepEqual(filled(1).next(10, true), { kind: 'send', values: [1], bytes: 10, attempt: 1 });
});

test('of what is full the oldest goes, but not what is being sent', () => {
  const delivery = filled(4);
  delivery.next(0);
  for (let value = 5; value <= 12; value += 1) delivery.offer(value, 10, 0);
  assert.equal(delivery.counts().dropped.full, 2);
  delivery.ended({ kind: 'accepted' }, 0, 0);
  assert.deepEqual(delivery.next(0), { kind: 'send', values: [7, 8, 9, 10], bytes: 40, attempt: 1 });
});

test('while everything there is room for is being sent, what comes is dropped', () => {
  const delivery = filled(4, { itemsMax: 4 });
  delivery.next(0);
  delivery.offer(5, 10, 0);
  assert.deepEqual([delivery.counts().dropped.full, delivery.counts().waiting], [1, 4]);
});

test('a failed batch is sent again as it was, after pauses that double', () => {
  const delivery = filled(4);
  delivery.next(0);
  delivery.ended({ kind: 'failed', why: '500' }, 0, 0);
  assert.deepEqual(delivery.next(0), { kind: 'wait', until: 100 });
  assert.deepEqual(delivery.next(100), { kind: 'send', values: [1, 2, 3, 4], bytes: 40, attempt: 2 });
  delivery.ended({ kind: 'failed', why: '500' }, 100, 0);
  assert.deepEqual(delivery.next(100), { kind: 'wait', until: 300 });
  assert.equal(delivery.counts().failures, 2);
});

test('a batch that is refused is dropped and counted; of a partial one, those that were refused', () => {
  const delivery = filled(8);
  delivery.next(0);
  delivery.ended({ kind: 'refused', why: '400' }, 0, 0);
  assert.equal(delivery.counts().dropped.refused, 4);
  delivery.next(0);
  delivery.ended({ kind: 'partial', refused: 1, why: 'type conflict' }, 0, 0);
  assert.deepEqual([delivery.counts().sent, delivery.counts().dropped.refused], [3, 5]);
});

test('what is too large goes in halves, and later batches grow again', () => {
  const delivery = filled(4);
  delivery.next(0);
  delivery.ended({ kind: 'too large', why: '413' }, 0, 0);
  const sizes: number[] = [];
  for (let value = 5; value <= 10; value += 1) delivery.offer(value, 10, 0);
  for (;;) {
    const step = delivery.next(0, true);
    if (step.kind !== 'send') break;
    sizes.push(step.values.length);
    delivery.ended({ kind: 'accepted' }, 0, 0);
  }
  assert.deepEqual(sizes, [2, 3, 4, 1]);
});

test('one item that could never be held is dropped at once, and empties nothing', () => {
  const delivery = filled(3);
  delivery.offer(4, 101, 0);
  assert.deepEqual([delivery.counts().dropped.too_large, delivery.counts().waiting], [1, 3]);
});

test('limits without room for anything are refused', () => {
  assert.throws(() => new Delivery({ ...limits, batchItemsMax: 0 }), /batchItemsMax of at least 1, got 0/);
});

test('a pause grows to its limit, is never less than half, and never less than the receiver asks', () => {
  const pauses = [1, 2, 3, 4, 5, 50].map((failures) => backOffMs(limits, failures, 0));
  assert.deepEqual(pauses, [100, 200, 400, 800, 1000, 1000]);
  assert.equal(backOffMs(limits, 1, 0.999_999).toFixed(0), '50');
  assert.equal(backOffMs(limits, 1, 0, 30_000), 30_000);
  assert.equal(backOffMs(limits, 1, 0, 1e12), 3_600_000);
});

test('Retry-After is seconds or a date', () => {
  const wall = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(parseRetryAfter('120', wall), 120_000);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', wall), 30_000);
  assert.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', wall), 0);
  assert.equal(parseRetryAfter('soon', wall), undefined);
  assert.equal(parseRetryAfter(undefined, wall), undefined);
});
