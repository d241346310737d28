import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelStatistics } from '../protocol/inference.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { openOtherWorkers } from './other-workers.ts';
import { sumStatistics } from './statistics.ts';

const each = (count: number) => ({ count, ns: count * 10 });
const counted = (name: string, count: number, at: number, sizes: readonly number[] = []): ModelStatistics => ({
  name,
  version: '1',
  lastInferenceAt: at,
  inferenceCount: count,
  executionCount: count,
  success: each(count),
  fail: each(1),
  queue: each(count),
  computeInput: each(count),
  computeInfer: each(count),
  computeOutput: each(count),
  batches: sizes.map((size) => ({
    size,
    computeInput: each(size),
    computeInfer: each(size),
    computeOutput: each(size),
  })),
});

test('figures of workers add up, batches by their size, and the last inference is the latest', () => {
  const [sum, ...more] = sumStatistics(
    [counted('m', 3, 500, [2, 8])],
    [[counted('other', 9, 900), counted('m', 4, 400, [1, 2])], [], [counted('m', 1, 700)]],
  );
  assert.deepEqual(more, []);
  assert.deepEqual(
    [sum?.inferenceCount, sum?.success, sum?.fail, sum?.lastInferenceAt],
    [8, { count: 8, ns: 80 }, { count: 3, ns: 30 }, 700],
  );
  assert.deepEqual(
    sum?.batches?.map(({ size, computeInfer }) => [size, computeInfer.count]),
    [
      [1, 1],
      [2, 4],
      [8, 8],
    ],
  );
});

test('who asks while a question is under way gets what is looked up after it, together with all who wait', async () => {
  const sent: number[] = [];
  const others = openOtherWorkers((ask) => void sent.push(ask), createVirtualClock());
  const first = others.statistics();
  await Promise.resolve();
  assert.deepEqual(sent, [1]);
  const second = others.statistics();
  const third = others.statistics();
  others.receive(1, [[counted('m', 1, 1)]]);
  assert.equal((await first)[0]?.[0]?.inferenceCount, 1);
  assert.deepEqual(sent, [1, 2]);
  others.receive(2, [[counted('m', 2, 2)]]);
  assert.equal((await second)[0]?.[0]?.inferenceCount, 2);
  assert.equal(await third, await second);
  assert.deepEqual(sent, [1, 2]);
});

test('a supervisor that does not answer costs time, and the figures are those of this worker', async () => {
  const clock = createVirtualClock();
  const others = openOtherWorkers(() => {}, clock);
  const asked = others.statistics();
  await Promise.resolve();
  clock.pass(2000);
  assert.deepEqual(await asked, []);
});
