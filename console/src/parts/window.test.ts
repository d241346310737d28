import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rowsIn, scrolledRows, scrollTo } from './window.ts';

test('what is seen is drawn, and never much more, however many rows there are and wherever one has scrolled to', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2_000_000 }),
      fc.integer({ min: 20, max: 80 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 100, max: 2000 }),
      (count, rowPx, share, windowPx) => {
        const { heightPx } = scrolledRows(count, rowPx, 0, windowPx);
        const scrollPx = share * Math.max(0, heightPx - windowPx);
        const { first, end, offsetPx } = scrolledRows(count, rowPx, scrollPx, windowPx);
        assert.ok(end - first <= Math.ceil(windowPx / rowPx) + 14, 'few are drawn');
        assert.ok(heightPx <= 15_000_000, 'as high as browsers go');
        assert.ok(first === 0 || offsetPx <= scrollPx, 'nothing is missing above');
        const bottom = offsetPx + (end - first) * rowPx;
        assert.ok(end === count || bottom >= scrollPx + windowPx - 1, 'nothing is missing below');
        if (share === 1 && count > 0) assert.equal(end, count, 'the last is reached');
      },
    ),
  );
});

test('of a million rows the last is drawn at the very end, and whichever row one goes to is seen', () => {
  const { heightPx } = scrolledRows(1_000_000, 36, 0, 600);
  assert.equal(heightPx, 15_000_000);
  assert.equal(scrolledRows(1_000_000, 36, heightPx - 600, 600).end, 1_000_000);
  for (const row of [0, 1, 4711, 500_000, 999_990]) {
    const { first, end } = scrolledRows(1_000_000, 36, scrollTo(row, 1_000_000, 36, 600), 600);
    assert.ok(first <= row && row < end, `row ${row} is among ${first} to ${end}`);
  }
  assert.equal(scrollTo(5, 10, 36, 600), 0, 'what is seen whole does not scroll');
});

test('a short table is drawn whole, so that find-in-page and printing see all of it', () => {
  assert.deepEqual(rowsIn(60, 56, 2000, 800), { first: 0, end: 60, beforePx: 0, afterPx: 0 });
  const { first, end } = rowsIn(1000, 56, 5600, 800);
  assert.deepEqual([first, end], [92, 124]);
});
