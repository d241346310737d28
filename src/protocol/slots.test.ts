import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Slots } from './slots.ts';

const steps = fc.array(
  fc.oneof(
    fc.constant({ kind: 'add' } as const),
    fc.record({ kind: fc.constant('take' as const), number: fc.nat(12) }),
    fc.constant({ kind: 'take all' } as const),
  ),
  { maxLength: 200 },
);

describe('the slots of what is in flight', () => {
  it('agree with a map, and use no more numbers than members at once', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const slots = new Slots<{ readonly id: number }>();
        const oracle = new Map<number, { readonly id: number }>();
        let most = 0;
        for (const [id, step] of given.entries()) {
          if (step.kind === 'add') {
            const member = { id };
            const number = slots.add(member);
            assert.equal(oracle.has(number), false);
            oracle.set(number, member);
            most = Math.max(most, oracle.size);
            assert.ok(number < most);
          } else if (step.kind === 'take') {
            assert.equal(slots.take(step.number), oracle.get(step.number));
            oracle.delete(step.number);
          } else {
            const all = slots.all();
            assert.deepEqual(slots.takeAll(), all);
            assert.deepEqual(
              all,
              [...oracle].toSorted(([a], [b]) => a - b).map(([, member]) => member),
            );
            oracle.clear();
          }
          assert.equal(slots.size, oracle.size);
        }
      }),
    );
  });

  it('give nothing for a number that never was one', () => {
    const slots = new Slots<string>();
    slots.add('a');
    for (const number of [-1, 1, 0.5, Number.NaN, 2 ** 40]) assert.equal(slots.take(number), undefined);
    assert.equal(slots.size, 1);
  });
});
