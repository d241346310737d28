import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DeploymentView, JournalEntryView } from '../../../../src/api/schemas.ts';
import { linePath } from '../../charts/path.ts';
import { arranged, matches, totals } from './filter.ts';
import { directionOf, marksOf } from './lane-marks.ts';
import { lostShare } from './lost-share.ts';
import { merged } from './merged.ts';
import { rowsIn } from '../../parts/window.ts';

const deployment = (name: string, more: object = {}): DeploymentView =>
  ({
    name,
    model: `${name}@champion`,
    state: 'serving',
    desired: 2,
    counts: { ready: 1 },
    sloP99Ms: 50,
    load: { requestsPerSecond: 10, p99Ms: 20 },
    ...more,
  }) as unknown as DeploymentView;

test('rows that are drawn and rows that are not are all rows, and those that are seen are drawn', () => {
  const pixels = fc.integer({ min: -5000, max: 200_000 });
  fc.assert(
    fc.property(fc.nat(5000), pixels, fc.integer({ min: 100, max: 2000 }), (count, topPx, windowPx) => {
      const { first, end, beforePx, afterPx } = rowsIn(count, 56, topPx, windowPx);
      assert.equal(beforePx + (end - first) * 56 + afterPx, count * 56);
      assert.ok(end - first <= Math.max(60, windowPx / 56 + 20));
      for (const px of [0, windowPx - 1]) {
        const row = Math.floor((topPx + px) / 56);
        if (row >= 0 && row < count) assert.ok(row >= first && row < end);
      }
    }),
  );
});

test('rows come and go in groups: most of what is scrolled changes none', () => {
  const tops = Array.from({ length: 300 }, (_, index) => 10_000 + index * 10);
  const changes = tops.filter((topPx, index) => {
    const [now, before] = [rowsIn(1000, 56, topPx, 900), rowsIn(1000, 56, tops[index - 1] ?? topPx, 900)];
    return now.first !== before.first || now.end !== before.end;
  });
  // 3,000 pixels are 53 rows and a half, in groups of four, at both ends.
  assert.ok(changes.length <= 28, `${changes.length} changes`);
});

test('a filter takes words in any order; trouble comes first where it is asked for', () => {
  assert.ok(matches(deployment('ocr'), 'champion ocr'));
  assert.ok(!matches(deployment('ocr'), 'ocr failed'));
  const all = [
    deployment('a'),
    deployment('b', { load: { requestsPerSecond: 99, p99Ms: 80 } }),
    deployment('c', { state: 'failed' }),
  ];
  const names = (order: 'name' | 'trouble' | 'load', text = ''): string[] =>
    arranged(all, { order, text }).map(({ name }) => name);
  assert.deepEqual(names('name'), ['a', 'b', 'c']);
  assert.deepEqual(names('trouble'), ['c', 'b', 'a']);
  assert.deepEqual(names('load'), ['b', 'a', 'c']);
  assert.deepEqual(names('name', 'failed'), ['c']);
});

test('who has shown no latency is neither within the objective nor over it', () => {
  const all = [deployment('a'), deployment('b', { load: { requestsPerSecond: 5, p99Ms: null } })];
  assert.deepEqual(totals(all), { requestsPerSecond: 15, desired: 4, ready: 2, over: 0, promised: 1 });
});

test('the share that is lost is between none and all of it', () => {
  const load = (requestsPerSecond: number, errorsPerSecond: number, shedPerSecond: number): DeploymentView['load'] =>
    ({ requestsPerSecond, errorsPerSecond, shedPerSecond }) as DeploymentView['load'];
  assert.equal(lostShare(load(0, 0, 0)), 0);
  assert.equal(lostShare(load(100, 1, 1)), 0.02);
  assert.equal(lostShare(load(0, 3, 0)), 1);
});

test('decisions are marks by what they did; what came of one is none', () => {
  assert.deepEqual(['1 → 3', 'advise 4 → 2', 'hold 3', 'helped'].map(directionOf), ['up', 'down', 'hold', 'hold']);
  const entry = (id: number, at: number, action: string): JournalEntryView =>
    ({ id, at, action, details: { done: { kind: 'moved' } } }) as unknown as JournalEntryView;
  const marks = marksOf([entry(1, 50, '1 → 2'), entry(2, 150, '1 → 2'), entry(3, 200, 'helped')], 100, 200);
  assert.deepEqual(marks, [{ id: 2, share: 0.5, direction: 'up', moved: true }]);
});

test('what was read and what was told since is one list', () => {
  const entry = (id: number): JournalEntryView => ({ id }) as JournalEntryView;
  const all = merged([entry(3), entry(2)], [entry(3), entry(4)], ({ id }) => id !== 2);
  assert.deepEqual(
    all.map(({ id }) => id),
    [3, 4],
  );
});

test('a line breaks where nothing is known and never falls to zero there', () => {
  const frame = { width: 40, height: 10, low: 0, high: 10 };
  assert.equal(linePath([0, 10, null, 5, 5], frame), 'M0 10L10 0M30 5L40 5');
  assert.equal(linePath([1, 2], frame, true), 'M0 9H40V8');
  assert.equal(linePath([null, 5, null], frame), 'M20 5h0.01');
  assert.equal(linePath([], frame), '');
});
