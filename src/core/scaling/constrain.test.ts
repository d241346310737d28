import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { constrain, startConstraints, unconstrained, type Constraints } from './constrain.ts';
import type { Rules } from './policies/hpa-behavior.ts';

const rule = (type: 'Pods' | 'Percent', value: number, periodSeconds: number): Rules => ({
  selectPolicy: 'Max',
  stabilizationWindowSeconds: 0,
  policies: [{ type, value, periodSeconds }],
});

/** A deployment that does what it is told, a step a second; the targets that it held, the first before any step. */
function follow(set: Constraints, wishes: readonly number[], start = 4, stepMs = 1000): number[] {
  const held = [start];
  let memory = startConstraints(set, start, 0);
  for (const [index, wish] of wishes.entries()) {
    const step = constrain(memory, wish, held.at(-1) as number, set, 0, (index + 1) * stepMs);
    memory = step.memory;
    held.push(step.target);
  }
  return held;
}

const some: fc.Arbitrary<Constraints> = fc
  .record({
    min: fc.integer({ min: 0, max: 5 }),
    span: fc.integer({ min: 0, max: 40 }),
    upStabilizationSeconds: fc.constantFrom(0, 5, 30),
    downStabilizationSeconds: fc.constantFrom(0, 10, 60),
    upRate: fc.constantFrom(null, rule('Pods', 2, 10), rule('Percent', 100, 15)),
    downRate: fc.constantFrom(null, rule('Pods', 1, 20), rule('Percent', 50, 10)),
    blastRadius: fc.constantFrom(0.1, 0.5, 1),
    reversalsPerHour: fc.constantFrom(3, 6, Number.POSITIVE_INFINITY),
    freezes: fc.constant([]),
    cost: fc.constantFrom(null, { amount: 5, periodSeconds: 600, pricePerHour: 1 }),
    room: fc.constantFrom(null, { max: 7, reason: 'no node has room for an 8th' }),
  })
  .map(({ span, room, ...set }) => Object.assign(set, { max: set.min + span }, room === null ? {} : { room }));

const wishes = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 200 });

test('the result is a count inside the bounds, whatever is wished', () => {
  const anything = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(Number.NaN, -1, 1e9, 1e300, Infinity, -Infinity),
  );
  fc.assert(
    fc.property(some, fc.array(anything, { minLength: 1, maxLength: 60 }), (set, given) => {
      for (const target of follow(set, given, set.min).slice(1))
        assert.ok(Number.isInteger(target) && target >= set.min && target <= set.max, `${target}`);
    }),
  );
});

test('what has no room is not asked for, but for the minimum', () => {
  fc.assert(
    fc.property(some, wishes, (set, given) => {
      const { room } = set;
      if (room === undefined) return;
      for (const target of follow(set, given).slice(1)) assert.ok(target <= Math.max(set.min, room.max), `${target}`);
    }),
  );
});

test('a larger wish never gives less', () => {
  fc.assert(
    fc.property(some, wishes, fc.nat(60), fc.nat(60), (set, before, one, other) => {
      const next = (wish: number): number => follow(set, [...before, wish]).at(-1) as number;
      assert.ok(next(Math.min(one, other)) <= next(Math.max(one, other)));
    }),
  );
});

test('in no hour are there more reversals than the budget has, and a raise is never refused for it', () => {
  const flaps = fc.array(fc.constantFrom(2, 20), { minLength: 50, maxLength: 400 });
  fc.assert(
    fc.property(flaps, fc.integer({ min: 3, max: 12 }), (given, budget) => {
      const stepMs = 60_000;
      const set = { ...unconstrained, max: 100, reversalsPerHour: budget };
      const held = follow(set, given, 4, stepMs);
      let direction = 0;
      const turns: number[] = [];
      for (let step = 1; step < held.length; step += 1) {
        const way = Math.sign((held[step] as number) - (held[step - 1] as number));
        if (way !== 0 && direction !== 0 && way !== direction) turns.push(step);
        if (way !== 0) direction = way;
        if ((given[step - 1] as number) > (held[step - 1] as number)) assert.equal(held[step], given[step - 1]);
      }
      for (const from of turns) assert.ok(turns.filter((turn) => turn >= from && turn < from + 60).length <= budget);
    }),
  );
});

test('no period costs more than its budget, as far as the minimum allows', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 50, maxLength: 400 }), (given) => {
      const set = { ...unconstrained, min: 1, cost: { amount: 20, periodSeconds: 7200, pricePerHour: 1 } };
      const held = follow(set, given, 1, 60_000);
      for (let period = 0; period * 120 < held.length; period += 1) {
        const spent = held.slice(period * 120 + 1, (period + 1) * 120).reduce((sum, target) => sum + target / 60, 0);
        // One step at what was held when the period began is not in its hands.
        assert.ok(spent <= 20 + (held[period * 120] as number) / 60 + 1e-9, `${spent}`);
      }
    }),
  );
});

test('what is raised or lowered stays within the rate, counted from what was held a period ago', () => {
  fc.assert(
    fc.property(wishes, (given) => {
      const set = { ...unconstrained, upRate: rule('Pods', 3, 10), downRate: rule('Pods', 2, 10) };
      const held = follow(set, given, 20);
      for (const [step, target] of held.entries()) {
        const before = held[step - 1] ?? target;
        const start = held[Math.max(0, step - 10)] as number;
        assert.ok(target <= before || target <= start + 3, held.join(' '));
        assert.ok(target >= before || target >= start - 2, held.join(' '));
      }
    }),
  );
});

test('each stage that cuts says what it cut and why', () => {
  const cutsOf = (set: Partial<Constraints>, wish: number, held = 10): unknown => {
    const full = { ...unconstrained, ...set };
    const { cuts } = constrain(startConstraints(full, held, 0), wish, held, full, 500, 1000);
    return cuts.map(({ stage, from, to, reason }) => [stage, from, to, reason]);
  };
  assert.deepEqual(cutsOf({ max: 12 }, 20), [['bounds', 20, 12, 'the bounds are 0 to 12']]);
  assert.deepEqual(cutsOf({ blastRadius: 0.25 }, 1), [['blast radius', 1, 8, 'at most 2 of 10 go at once']]);
  assert.deepEqual(cutsOf({ upRate: rule('Percent', 50, 60) }, 40), [
    ['rate', 40, 15, 'no more than 15 yet, it was raised just now'],
  ]);
  const freeze = { fromMs: 0, untilMs: 1000, kind: 'in' as const, reason: 'the fair is on' };
  assert.deepEqual(cutsOf({ freezes: [freeze] }, 4), [['freeze', 4, 10, 'the fair is on']]);
  assert.deepEqual(cutsOf({ freezes: [freeze] }, 14), []);
  assert.deepEqual(cutsOf({ cost: { amount: 12, periodSeconds: 3600, pricePerHour: 1 } }, 40), [
    ['cost', 40, 12, '0.00 of 12 are spent, 12 can be paid'],
  ]);
  assert.deepEqual(cutsOf({}, Number.NaN), [['sound', Number.NaN, 10, 'NaN is no count']]);
});

test('a lower wish has to last for its window, a higher one for its own', () => {
  const set = { ...unconstrained, downStabilizationSeconds: 5, upStabilizationSeconds: 3 };
  assert.deepEqual(follow(set, [4, 2, 2, 2, 2, 2, 2]), [4, 4, 4, 4, 4, 4, 2, 2]);
  assert.deepEqual(follow(set, [4, 9, 9, 9, 9]), [4, 4, 4, 4, 9, 9]);
});

test('a clock that jumps back or far ahead starts no storm', () => {
  const set = { ...unconstrained, max: 50, upRate: rule('Pods', 2, 60), downStabilizationSeconds: 60 };
  let memory = startConstraints(set, 10, 0);
  const at = (seconds: number, wish: number, held: number): number => {
    const step = constrain(memory, wish, held, set, 0, seconds * 1000);
    memory = step.memory;
    return step.target;
  };
  assert.equal(at(100, 20, 10), 12);
  assert.equal(at(101, 20, 12), 12);
  assert.equal(at(-3500, 20, 12), 12);
  assert.equal(at(3700, 20, 12), 14);
});

test('without a window a wish holds at once, also the second one within a second', () => {
  const set: Constraints = { ...unconstrained, min: 1, max: 12 };
  const first = constrain(startConstraints(set, 2, 100), 2, 2, set, 0, 100_100);
  const second = constrain(first.memory, 9, 2, set, 0, 100_350);
  assert.deepEqual([second.target, second.cuts], [9, []]);
  assert.equal(constrain(second.memory, 3, 9, set, 0, 100_600).target, 3);
});
