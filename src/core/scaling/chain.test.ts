/** Why this count, and why no other: the first two of the complaints that users of other autoscalers have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { observe } from '../../testing/observations.ts';
import type { Limit } from './chain.ts';
import { startConstraints, type Constraints } from './constrain.ts';
import { decide, type Decision } from './decide.ts';
import type { Rules } from './policies/hpa-behavior.ts';
import type { Claim, Outcome } from './reconcile.ts';
import { stillnessKinds, stillnessOf, type Outcome as Done } from './stillness.ts';

const rule = (type: 'Pods' | 'Percent', value: number, periodSeconds: number): Rules => ({
  selectPolicy: 'Max',
  stabilizationWindowSeconds: 0,
  policies: [{ type, value, periodSeconds }],
});
const wallMs = 1_767_571_200_000;
const frozen = (kind: 'in' | 'both') => ({ fromMs: wallMs, untilMs: wallMs + 20_000, kind, reason: `frozen ${kind}` });

const constraints: fc.Arbitrary<Constraints> = fc
  .record({
    min: fc.integer({ min: 0, max: 4 }),
    span: fc.integer({ min: 0, max: 20 }),
    upStabilizationSeconds: fc.constantFrom(0, 5),
    downStabilizationSeconds: fc.constantFrom(0, 10),
    upRate: fc.constantFrom(null, rule('Pods', 2, 10), rule('Percent', 100, 15)),
    downRate: fc.constantFrom(null, rule('Pods', 1, 20), rule('Percent', 50, 10)),
    blastRadius: fc.constantFrom(0.1, 0.5, 1),
    reversalsPerHour: fc.constantFrom(3, Number.POSITIVE_INFINITY),
    freezes: fc.constantFrom([], [frozen('in')], [frozen('both')]),
    cost: fc.constantFrom(null, { amount: 1, periodSeconds: 600, pricePerHour: 60 }),
    room: fc.constantFrom(null, { max: 7, reason: 'no node has room for an 8th' }),
  })
  .map(({ span, room, ...set }) => Object.assign(set, { max: set.min + span }, room === null ? {} : { room }));

const count = fc.integer({ min: 0, max: 40 });
const outcome = (policy: string): fc.Arbitrary<Outcome> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.oneof({ weight: 9, arbitrary: count }, fc.constantFrom(Number.NaN, 2.5, -1)), fc.boolean())
        .map(([target, doubts]): Outcome => ({
          kind: 'proposed',
          policy,
          proposal: { target, reason: () => `${target} are needed`, doubt: doubts ? 'the load is old' : undefined },
        })),
    },
    fc.constant<Outcome>({ kind: 'threw', policy, message: 'it broke' }),
  );
const claims: fc.Arbitrary<Claim[]> = fc.array(
  fc.record({ by: fc.constantFrom('release 12', 'ada') }).chain(({ by }) =>
    fc.oneof(
      count.map((min): Claim => ({ by, min })),
      count.map((max): Claim => ({ by, max })),
    ),
  ),
  { maxLength: 2 },
);
const look = fc.record({ outcomes: fc.tuple(outcome('slo'), outcome('thresholds')), claims });

/** Decisions one after another, each from what the ones before have left. */
function follow(set: Constraints, looks: readonly { outcomes: readonly Outcome[]; claims: readonly Claim[] }[]) {
  let held = set.min;
  let memory = startConstraints(set, held, 0);
  return looks.map(({ outcomes, claims: own }, index) => {
    const { min, max } = set;
    const seen = observe({ fleet: { target: held }, min, max, wallMs: wallMs + index * 1000 });
    const decided = decide(memory, { seen, outcomes, claims: own, constraints: set, at: (index + 1) * 1000 });
    memory = decided.memory;
    held = decided.target;
    // As it leaves: the journal's JSON and the API's answer.
    return JSON.parse(JSON.stringify(decided.describe())) as Decision;
  });
}

/** Whoever reads the answer needs no more than this. */
const cut = (wish: number, { min, max }: Pick<Limit, 'min' | 'max'>): number =>
  Math.min(max ?? Number.POSITIVE_INFINITY, Math.max(min ?? Number.NEGATIVE_INFINITY, wish));

test('the limits of a decision, followed from what was asked for, give its target; which have bit is told', () => {
  let decisions = 0;
  const bitten = new Map<string, number>();
  fc.assert(
    fc.property(constraints, fc.array(look, { minLength: 1, maxLength: 25 }), (set, looks) => {
      for (const decision of follow(set, looks)) {
        decisions += 1;
        let wish = decision.raw.target;
        for (const link of decision.chain) {
          assert.ok(Object.is(link.from, wish), JSON.stringify(decision.chain));
          wish = cut(wish, link);
          assert.equal(link.to, wish, JSON.stringify(link));
          assert.equal(link.bit, link.from !== link.to);
          assert.notEqual(link.reason, '');
          if (link.bit) bitten.set(link.stage, (bitten.get(link.stage) ?? 0) + 1);
        }
        assert.equal(wish, decision.target);
        // What was agreed on stands where doubt and claims end, and what is called a cut is what has bit after it.
        const after = decision.chain.findIndex(({ stage }) => stage === 'sound');
        assert.equal(decision.chain[after]?.from, decision.wished);
        assert.deepEqual(
          decision.cuts.map(({ stage, from, to }) => [stage, from, to]),
          decision.chain.slice(after).flatMap(({ stage, from, to, bit }) => (bit ? [[stage, from, to]] : [])),
        );
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(decisions >= 1000, `${decisions} decisions`);
  const stages = [
    'doubt',
    'ceiling',
    'floor',
    'stabilisation',
    'rate',
    'blast radius',
    'room',
    'freeze',
    'cost',
    'bounds',
  ];
  for (const stage of stages) assert.ok((bitten.get(stage) ?? 0) > 0, `${stage} never bit`);
});

test('whatever is not done has a reason of a closed set, which is the last that kept it', () => {
  const kinds = new Set<string>();
  const dones = fc.constantFrom<Done>(
    { kind: 'moved', why: 'the mode is auto' },
    { kind: 'advised', why: 'the mode is advise' },
    { kind: 'asked', why: 'waits for approval' },
    { kind: 'refused', why: 'halted by ada', because: 'halt' },
    { kind: 'refused', why: 'somebody has just refused it', because: 'rejected' },
    { kind: 'refused', why: 'of an earlier release' },
  );
  fc.assert(
    fc.property(constraints, fc.array(look, { minLength: 1, maxLength: 25 }), dones, (set, looks, moved) => {
      for (const decision of follow(set, looks)) {
        const done: Done = decision.target === decision.held ? { kind: 'held', why: 'so be it' } : moved;
        const still = stillnessOf(decision, done);
        assert.equal(still === undefined, done.kind === 'moved');
        if (still === undefined) continue;
        assert.ok((stillnessKinds as readonly string[]).includes(still.kind), still.kind);
        assert.notEqual(still.reason, '');
        kinds.add(still.kind);
        if (done.kind !== 'held') continue;
        if (still.kind === 'enough') assert.equal(decision.raw.target, decision.held);
        if (decision.raw.target === decision.held || still.kind === 'no policy') continue;
        // Without the one that is named it would have moved.
        const index = decision.chain.findLastIndex(({ stage, bit }) => bit && stage === still.kind);
        assert.notEqual(decision.chain[index]?.from, decision.held, JSON.stringify(decision.chain));
      }
    }),
    { numRuns: 300 },
  );
  for (const kind of ['enough', 'no policy', 'doubt', 'stabilisation', 'freeze', 'bounds', 'mode', 'halt', 'overtaken'])
    assert.ok(kinds.has(kind), `${kind} never came`);
});
