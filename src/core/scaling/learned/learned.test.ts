import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arms, chooseArms, noRecords, noteArm, notePeriod } from './arms.ts';
import { contextOf, contexts, describeContext } from './contexts.ts';
import { order, serve, shadowFleet, wish } from './fleet.ts';
import { growthAt, growthsAt, noGrowth, noteGrowth } from './growth.ts';
import { growth99 } from '../slo/cap.ts';
import { effectiveOf, noCurve, unitsOf, type Curve } from '../slo/capacity-curve.ts';
import { advance, shadows, wishOf, type World } from '../slo/shadows.ts';
import { multipliers } from '../slo/ways.ts';
import { signalNames } from '../slo/load-signals.ts';

test('before anything was seen, 99 of 100 grow by no more than public traffic does within that lag', () => {
  for (const lag of [1, 10, 150]) {
    const growth = noGrowth(contexts, lag);
    assert.ok(Math.abs(growthAt(growth, 0, 0.99) / growth99(lag) - 1) < 0.04);
  }
});

test('a quantile of what was seen agrees with that of the sorted values, to a bin, once the prior is outweighed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.6, max: 12, noNaN: true }), { minLength: 1, maxLength: 40 }),
      fc.constantFrom(...arms),
      (values, quantile) => {
        const growth = noGrowth(contexts, 10);
        const rounds = Math.ceil(40_000 / values.length);
        for (let round = 0; round < rounds; round += 1) for (const value of values) noteGrowth(growth, 3, value, 0);
        const found = growthAt(growth, 3, quantile);
        // The prior is a thousandth of all: the quantile lies between those a little to both sides.
        const sorted = values.toSorted((a, b) => a - b);
        const at = (share: number): number =>
          sorted[Math.min(values.length - 1, Math.max(0, Math.ceil(share * values.length) - 1))] as number;
        assert.ok(
          found >= at(quantile - 0.003) - 1e-9 && found <= at(Math.min(1, quantile + 0.003)) * 1.03,
          `${found}`,
        );
      },
    ),
    { numRuns: 30 },
  );
});

test('a more cautious quantile never gives less headroom', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { maxLength: 100 }), (ratios) => {
      const growth = noGrowth(contexts, 10);
      for (const ratio of ratios) noteGrowth(growth, 1, ratio, 1);
      const all = growthsAt(growth, 1, arms);
      assert.deepEqual(
        all,
        all.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('every context has its words, and a load that climbs near its peak is another than one that falls far below', () => {
  assert.equal(new Set(Array.from({ length: contexts }, (_, context) => describeContext(context))).size, contexts);
  assert.equal(describeContext(contextOf(12, 10, 13)), 'rising, near the peak of an hour');
  assert.equal(describeContext(contextOf(4, 10, 13)), 'falling, far below the peak of an hour');
});

const world: World = {
  patience: 0.4,
  endurance: 0.9,
  least: 1,
  cap: 40,
  slack: 0.9,
  startPrice: 10,
  turning: 0,
  curve: noCurve,
};

test('one fleet agrees with the shadow of the same multiplier', () => {
  const [lag, hold] = [10, 40];
  const loads = fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(loads, fc.integer({ min: 0, max: multipliers.length - 1 }), (load, which) => {
      const all = shadows(lag, [hold]);
      const fleet = shadowFleet(hold, lag);
      const multiplier = multipliers[which] as number;
      // The shadows keep single precision: where a wish is about to become a unit more, one rounds up and the other down.
      fc.pre(load.every((each) => wishOf(each - 1e-4, multiplier, world) === wishOf(each + 1e-4, multiplier, world)));
      let served = 0;
      for (const [step, each] of load.entries()) {
        advance(all, each, new Float64Array(signalNames.length).fill(each), world);
        // What served this step: the shadows tell of that, and the fleet of what serves the next.
        served = fleet.ready;
        // A shadow of the first step has what it wants; here it has nothing before its first order.
        if (step > 0) serve(fleet, each, 1, world);
        // The shadows' lateness counts from two lags on.
        if (step < 2 * lag) fleet.late = 0;
        wish(fleet, step, wishOf(each, multiplier, world), 1, world);
        if (step === 0) fleet.queue = all.queues[which] as number;
      }
      const close = (a: number, b: number, scale: number): boolean => Math.abs(a - b) <= 1e-3 * Math.max(1, scale);
      // The shadows count the start of their first fleet, too.
      const first = world.startPrice * wishOf(load[0] as number, multiplier, world);
      assert.ok(close(fleet.cost + first, all.cost[which] as number, fleet.cost + first));
      assert.equal(fleet.target, all.targets[which]);
      if (load.length > 1) assert.equal(served, all.ready[which]);
      assert.ok(close(fleet.queue, all.queues[which] as number, 1));
      assert.ok(close(fleet.late, all.late[which] as number, fleet.late));
    }),
    { numRuns: 60 },
  );
});

test('what is ordered serves a lag later, and what is given back is gone at once', () => {
  const fleet = shadowFleet(1, 3);
  const ready: number[] = [];
  [2, 6, 6, 6, 6, 1, 1].forEach((units, step) => {
    order(fleet, step, units, 1, world);
    ready.push(fleet.ready);
  });
  assert.deepEqual(ready, [2, 2, 2, 2, 6, 1, 1]);
});

test('real units and effective ones lead into each other', () => {
  const curve: Curve = { unitsFor: Float64Array.of(0, 1, 3, 3, 5), most: 4.2, best: 5 };
  for (const units of [0, 1, 3, 5]) assert.equal(unitsOf(curve, effectiveOf(curve, units)), units);
  assert.equal(effectiveOf(curve, 4), 3);
  assert.equal(effectiveOf(noCurve, 7), 7);
});

test('an arm is chosen by reward, in each context by itself, and never before it is known', () => {
  const records = noRecords();
  const [cheap, dear] = [2, 6];
  const note = (context: number, late: number, periods: number): void => {
    for (let period = 0; period < periods; period += 1) {
      notePeriod(records, context, 600);
      for (let arm = 0; arm < arms.length; arm += 1)
        noteArm(records, context, arm, 600 + 60 * arm, arm < cheap ? 200 : arm < dear ? late : 0);
    }
  };
  note(0, 0, 50);
  note(1, 100, 50);
  note(2, 0, 5);
  const chosen = chooseArms(records, 0.01);
  assert.deepEqual(chosen.slice(0, 4), [cheap, dear, arms.length - 1, arms.length - 1]);
});

test('what is late counts for more until the arms taken keep what is tolerated', () => {
  const records = noRecords();
  for (let period = 0; period < 100; period += 1) {
    notePeriod(records, 0, 600);
    // One in twenty late saves nine tenths: at the price of late work that would be worth it.
    for (let arm = 0; arm < arms.length; arm += 1) noteArm(records, 0, arm, arm < 5 ? 600 : 6000, arm < 5 ? 30 : 1);
  }
  assert.ok((chooseArms(records, 0.01)[0] as number) >= 5);
  assert.ok((chooseArms(records, 0.1)[0] as number) < 5);
});
