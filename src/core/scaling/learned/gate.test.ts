import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closedGate, evidencePeriods, gainOf, judge, keepsPromise, type Gate } from './gate.ts';
import { seededRandom } from '../../../load/arrivals.ts';

const tolerated = 0.01;
/** A period at a load of ten units, a minute long. */
const period = (gate: Gate, own: number, rule: number, late = 0, ruleLate = late): void =>
  judge(gate, { cost: 60 * own, late }, { cost: 60 * rule, late: ruleLate }, 600, 60, 10, tolerated);

const costs = fc.double({ min: 5, max: 50, noNaN: true });

test('no authority without evidence, however much better it looks', () => {
  fc.assert(
    fc.property(fc.array(costs, { minLength: 1, maxLength: evidencePeriods - 2 }), (rules) => {
      const gate = closedGate();
      for (const rule of rules) {
        period(gate, 1, rule);
        assert.equal(gate.inCharge, false);
      }
    }),
  );
});

test('who is no better than the rule is hardly ever in charge, whatever the noise', () => {
  let [inCharge, periods] = [0, 0];
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = seededRandom(seed);
    const gate = closedGate();
    for (let at = 0; at < 500; at += 1) {
      period(gate, 15 + 4 * random(), 15 + 4 * random());
      periods += 1;
      if (gate.inCharge) inCharge += 1;
    }
  }
  assert.ok(inCharge < 0.06 * periods, `${inCharge} of ${periods}`);
});

test('who is a twentieth better in every second period earns it, and keeps it', () => {
  const random = seededRandom(1);
  const gate = closedGate();
  let since = 0;
  for (let at = 1; at <= 600; at += 1) {
    period(gate, (15 + random()) * (at % 2 === 0 ? 0.95 : 1), 15 + random());
    since = gate.inCharge ? since + 1 : 0;
  }
  assert.ok(since > 300, `${since}`);
  const { mean, error } = gainOf(gate);
  assert.ok(mean > 0.01 && mean < 0.04 && error < 0.01);
});

test('cheaper is nothing where it is late with more than is tolerated, and than the rule', () => {
  const gate = closedGate();
  for (let at = 0; at < 200; at += 1) period(gate, 10, 16, 7, 1);
  assert.equal(keepsPromise(gate, tolerated), false);
  assert.equal(gate.inCharge, false);
  // Where the rule cannot keep it either, nobody asks for more than that.
  const hard = closedGate();
  for (let at = 0; at < 200; at += 1) period(hard, 10, 16, 30, 31);
  assert.equal(hard.inCharge, true);
});

test('law: in charge it has more than a standard error of gain and keeps the promise, whatever came before', () => {
  const accounts = fc.tuple(
    costs,
    costs,
    fc.double({ min: 0, max: 20, noNaN: true }),
    fc.double({ min: 0, max: 20, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(accounts, { minLength: 1, maxLength: 150 }), (all) => {
      const gate = closedGate();
      for (const [own, rule, late, ruleLate] of all) {
        period(gate, own, rule, late, ruleLate);
        if (!gate.inCharge) continue;
        const { mean, error } = gainOf(gate);
        assert.ok(gate.periods >= evidencePeriods * 0.9 && mean > error && keepsPromise(gate, tolerated));
      }
    }),
    { numRuns: 60 },
  );
});

test('a change for the worse takes it away within a few periods, with the record it rested on', () => {
  const gate = closedGate();
  for (let at = 0; at < 1000; at += 1) period(gate, 14, 15);
  assert.equal(gate.inCharge, true);
  let after = 0;
  while (gate.inCharge && after < 100) {
    after += 1;
    period(gate, 14, 15, 60, 0);
  }
  assert.ok(after <= 8, `${after} periods`);
  for (let at = 0; at < 20; at += 1) period(gate, 14, 15, 60, 0);
  assert.equal(gate.inCharge, false);
});

test('it is lost the same way: what is gained fades, and the rule decides again', () => {
  const gate = closedGate();
  for (let at = 0; at < 300; at += 1) period(gate, 14, 15);
  assert.equal(gate.inCharge, true);
  let after = 0;
  while (gate.inCharge && after < 3000) {
    after += 1;
    period(gate, 15.5, 15);
  }
  assert.ok(after < 700, `${after} periods`);
});
