import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantile, stageLags, wholeLag } from './lag.ts';

const start = (startMs: number, loadMs: number) => ({
  before: 0,
  beside: 0,
  decideMs: 1,
  startMs,
  loadMs,
  warmMs: 0,
  serveMs: 2,
});

test('a quantile is a value that was seen', () => {
  assert.deepEqual([quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.9), quantile([7], 0)], [2, 3, 7]);
});

test('stages are told one by one, and the whole is of whole starts', () => {
  // Slow to start and quick to load, and the other way round: no start is slow in both.
  const starts = [start(100, 10), start(10, 100)];
  const lags = stageLags(starts);
  assert.deepEqual(
    lags.map(({ name, p90Ms }) => [name, p90Ms]),
    [
      ['decide', 1],
      ['start', 100],
      ['load', 100],
      ['warm', 0],
      ['serve', 2],
    ],
  );
  assert.deepEqual(wholeLag(starts), { p50Ms: 113, p90Ms: 113 });
});

test('nothing measured is nothing, and no row of zeros', () => {
  assert.deepEqual(stageLags([]), []);
  assert.equal(wholeLag([]), undefined);
});
