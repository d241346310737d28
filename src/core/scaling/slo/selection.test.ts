import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { growth99 } from './cap.ts';
import { priorOf, priorsOf, select, targetRate, violationOf } from './selection.ts';
import { shadows, type Shadows } from './shadows.ts';

const lag = 10;
const holds = [10, 40];
const priors = priorsOf(holds, lag);
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Two hours at a load of 10, with any record of every way. */
const records: fc.Arbitrary<Shadows> = fc
  .tuple(
    fc.array(share, { minLength: 320, maxLength: 320 }),
    fc.array(share, { minLength: 320, maxLength: 320 }),
    share,
  )
  .map(([late, cost, own]) => {
    const all = shadows(lag, holds);
    all.time = 7200;
    all.work = 72_000;
    all.ownLate = own * own * all.work;
    all.late.set(late.map((one) => one ** 6 * all.work));
    all.cost.set(cost.map((one) => (8 + 40 * one) * all.time));
    return all;
  });

test('the prior: all of it late at the load itself, one in a hundred at the growth of a lag', () => {
  assert.equal(priorOf(0.9, false, 150), 1);
  assert.ok(Math.abs(priorOf(growth99(150), false, 150) - 0.01) < 1e-4);
  assert.ok(priorOf(1.2, true, 150) < priorOf(1.2, false, 150));
});

test('a larger tolerance never lowers the rate up to which a way may be taken', () => {
  fc.assert(
    fc.property(share, share, share, share, (one, other, own, least) => {
      assert.ok(targetRate(Math.min(one, other), own, least) <= targetRate(Math.max(one, other), own, least) + 1e-12);
    }),
  );
});

test('a more cautious knob never takes a way whose record is cheaper, on the same evidence', () => {
  fc.assert(
    fc.property(records, share, share, (all, one, other) => {
      const costOf = (tolerated: number): number =>
        all.cost[select(all, priors, Math.max(1e-4, tolerated), -1).index] as number;
      const cautious = select(all, priors, Math.max(1e-4, Math.min(one, other)), -1);
      // Where no way keeps to it the safest is taken, which no price speaks against.
      if (violationOf(all, priors, cautious.index) > cautious.target) return;
      assert.ok(costOf(Math.min(one, other)) >= costOf(Math.max(one, other)));
    }),
    { numRuns: 100 },
  );
});

test('the cheapest of those that keep the rate is taken, and the one in use stays within 2 %', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 0, max: 319 }), (all, incumbent) => {
      const { index, target } = select(all, priors, 0.01, incumbent);
      const cheapest = Math.min(...Array.from(all.cost).filter((_, way) => violationOf(all, priors, way) <= target));
      const kept = violationOf(all, priors, index) <= target;
      assert.ok(kept ? (all.cost[index] as number) * 0.98 <= cheapest : cheapest === Number.POSITIVE_INFINITY);
    }),
    { numRuns: 100 },
  );
});

test('what nobody could avoid is held against nobody', () => {
  const all = shadows(lag, holds);
  all.time = 7200;
  all.work = 72_000;
  all.late.fill(0.2 * all.work);
  all.cost.fill(30 * all.time);
  all.cost[100] = 12 * all.time;
  assert.equal(select(all, new Float64Array(320), 0.01, -1).index, 100);
});
