import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeadlineHeap, type Timed } from './deadlines.ts';

test('over any adding and removing, the next deadline is the least of those that are in', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.record({ add: fc.nat(1000) }) },
          { weight: 3, arbitrary: fc.record({ remove: fc.nat() }) },
          { weight: 1, arbitrary: fc.record({ due: fc.nat(300) }) },
        ),
        { maxLength: 80, size: 'max' },
      ),
      (steps) => {
        const heap = new DeadlineHeap<Timed>();
        let naive: Timed[] = [];
        for (const step of steps) {
          if ('add' in step) {
            const member = { deadlineAt: step.add, heapIndex: -1 };
            heap.add(member);
            naive.push(member);
          } else if ('remove' in step) {
            const member = naive[step.remove % Math.max(naive.length, 1)];
            if (member !== undefined) {
              assert.ok(heap.remove(member));
              assert.ok(!heap.remove(member));
              naive = naive.filter((one) => one !== member);
            }
          } else {
            const due = heap.takeDue(step.due).map((one) => one.deadlineAt);
            const expected = naive.filter((one) => one.deadlineAt <= step.due).map((one) => one.deadlineAt);
            assert.deepEqual(
              due,
              expected.toSorted((a, b) => a - b),
            ); // earliest first
            naive = naive.filter((one) => one.deadlineAt > step.due);
          }
          assert.equal(heap.size, naive.length);
          assert.equal(heap.nextAt, Math.min(Infinity, ...naive.map((one) => one.deadlineAt)));
        }
        // Emptied one by one: a place out of order anywhere would show.
        let last = -Infinity;
        while (heap.size > 0) {
          const next = heap.nextAt;
          assert.ok(next >= last);
          last = next;
          heap.takeDue(next);
        }
      },
    ),
    { numRuns: 300 },
  );
});
