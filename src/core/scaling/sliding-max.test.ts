import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { record, slidingMax } from './sliding-max.ts';

test('it agrees with looking at every value of the window', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.double({ noNaN: true })), { minLength: 1 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 8 }), (gaps, size) => {
      const window = slidingMax(size);
      const all: { index: number; value: number }[] = [];
      let index = 0;
      for (const [gap, value] of gaps) {
        index += gap;
        all.push({ index, value });
        const counted = all.filter((kept) => index - kept.index < size).map((kept) => kept.value);
        assert.equal(record(window, index, value), Math.max(...counted));
      }
    }),
  );
});
