import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Completions } from './completions.ts';

test('calls end in the order of their times, and of those that end together the lower slot is first', () => {
  const times = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 });
  fc.assert(
    fc.property(times, fc.nat(200), (times, popped) => {
      const heap = new Completions(4);
      let waiting: [number, number][] = [];
      const byTime = ([one, slot]: [number, number], [other, next]: [number, number]): number =>
        one - other || slot - next;
      const popOne = (): void => {
        waiting.sort(byTime);
        const [first] = waiting;
        assert.equal(heap.nextAt, first?.[0] ?? Infinity);
        if (first === undefined) return;
        assert.equal(heap.pop(), first[1]);
        waiting = waiting.slice(1);
      };
      for (const [slot, at] of times.entries()) {
        heap.push(slot, at);
        waiting.push([at, slot]);
        if (slot % 7 === popped % 7) popOne();
      }
      while (waiting.length > 0) popOne();
      popOne();
    }),
  );
});
