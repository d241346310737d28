import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { record, resized, slidingMax } from './sliding-max.ts';

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

test('one that is made shorter agrees from its next value on, and one that is made longer forgets nothing that it had', () => {
  const values = fc.array(fc.double({ noNaN: true }), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(
      values,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
      fc.nat(),
      (all, before, after, when) => {
        let window = slidingMax(before);
        const cut = when % all.length;
        all.forEach((value, index) => {
          if (index === cut) window = resized(window, after);
          const largest = record(window, index, value);
          // What neither window would have held at the change is known to nobody.
          const oldest = index < cut ? index - before + 1 : Math.max(index - after + 1, cut - before);
          assert.equal(largest, Math.max(...all.slice(Math.max(0, oldest), index + 1)));
        });
      },
    ),
  );
});
