import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyLagBook, lagOf, noteStart } from './lag-book.ts';
import { emptyCapacity, forgetDoubtful, measureCapacity } from './measured-capacity.ts';
import { aloneMs, objectiveMs } from './objective.ts';

test('the lag is the 90th percentile of the last starts, a guess before the first', () => {
  assert.ok(lagOf(emptyLagBook, 1000).start > 0);
  let book = emptyLagBook;
  for (let index = 1; index <= 10; index += 1) book = noteStart(book, { start: index, load: 10 * index, warm: 5 });
  assert.deepEqual(lagOf(book, 1000), { detect: 1000, decide: 1, start: 9, load: 90, warm: 5, serve: 0 });
  for (let index = 0; index < 100; index += 1) book = noteStart(book, { start: 3, load: 3, warm: 3 });
  assert.equal(lagOf(book, 1000).start, 3, 'what was long ago says nothing of now');
});

test('capacity is measured only while more wait than can be computed, and an earlier reader keeps what it saw', () => {
  const empty = emptyCapacity(4);
  const idle = { ready: 2, steady: 2, readyBefore: 2, queuedBefore: 0, queuedAfter: 0, completed: 50, spanMs: 1000 };
  assert.equal(measureCapacity(empty, idle), empty);
  const busy = { ...idle, queuedBefore: 30, queuedAfter: 40 };
  const once = measureCapacity(empty, busy);
  assert.equal(once[2], 50);
  assert.ok(Number.isNaN(empty[2]), 'the one before is as it was');
  assert.equal(measureCapacity(once, { ...busy, completed: 60 })[2], 53);
  assert.equal(measureCapacity(once, { ...busy, spanMs: 10 }), once, 'milliseconds measure chance');
  assert.equal(measureCapacity(once, { ...busy, steady: 1 }), once, 'one has only just come');
  assert.equal(measureCapacity(once, { ...busy, readyBefore: 3 }), once, 'one has gone meanwhile');
});

test('that more hold less is forgotten after ten minutes, so that it can be found to be otherwise', () => {
  const capacity = Float64Array.of(Number.NaN, 5, 4, Number.NaN, 12);
  const measuredAt = new Map([[2, 1000]]);
  assert.equal(forgetDoubtful(capacity, measuredAt, 600_999), capacity);
  const later = forgetDoubtful(capacity, measuredAt, 601_000);
  assert.deepEqual([...later], [Number.NaN, 5, Number.NaN, Number.NaN, 12]);
  assert.equal(capacity[2], 4, 'the one before is as it was');
});

test('an objective that nobody declared is five times what one request takes alone, at its share of a core', () => {
  const curve = [
    { rows: 8, ms: 100 },
    { rows: 1, ms: 40 },
  ];
  assert.equal(objectiveMs(50, curve, 0.1), 50);
  assert.equal(objectiveMs(undefined, curve, undefined), 200);
  assert.equal(objectiveMs(undefined, curve, 4), 200);
  assert.equal(Math.round(objectiveMs(undefined, curve, 0.1) ?? 0), 2000);
  assert.equal(objectiveMs(undefined, [], 1), undefined);
  assert.equal(aloneMs(curve, 0.5), 80);
  assert.equal(aloneMs([{ rows: 1, ms: 140, processorMs: 42 }], 1), 42, 'the machine was busy at the warm-up');
  assert.equal(aloneMs([{ rows: 1, ms: 40, processorMs: 42 }], 1), 40);
});
