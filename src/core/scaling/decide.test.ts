import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { observe } from '../../testing/observations.ts';
import { startConstraints, unconstrained } from './constrain.ts';
import { ask, decide } from './decide.ts';
import { run, type Policy, type Proposal } from './policy.ts';
import type { Outcome } from './reconcile.ts';

const proposed = (policy: string, target: number, doubt?: string): Outcome => ({
  kind: 'proposed',
  policy,
  proposal: { target, reason: () => `${target} are needed`, doubt },
});
const set = { ...unconstrained, min: 1, max: 12 };
const decided = (held: number, outcomes: readonly Outcome[]) => {
  const seen = observe({ fleet: { target: held }, min: 1, max: 12 });
  return decide(startConstraints(set, held, 0), { seen, outcomes, claims: [], constraints: set, at: 1000 });
};

test('whatever policies say, the target is a whole number inside the bounds, and the same words give the same decision', () => {
  const target = fc.oneof(
    fc.integer({ min: -5, max: 50 }),
    fc.constantFrom(Number.NaN, -1, 1e9, 2.5, Number.POSITIVE_INFINITY),
  );
  const outcome: fc.Arbitrary<Outcome> = fc.oneof(
    fc
      .tuple(target, fc.option(fc.constant('it is old'), { nil: undefined }))
      .map(([to, doubt]) => proposed('p', to, doubt)),
    fc.constant<Outcome>({ kind: 'threw', policy: 'p', message: 'it broke' }),
    fc.constant<Outcome>({ kind: 'late', policy: 'p', tookMs: 90 }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(outcome, { maxLength: 3 }), (held, outcomes) => {
      const one = decided(held, outcomes);
      assert.ok(Number.isInteger(one.target) && one.target >= 1 && one.target <= 12, String(one.target));
      assert.deepEqual(one.describe(), decided(held, outcomes).describe());
      if (one.doubt !== undefined) assert.ok(one.target >= held, 'in doubt nothing is lowered');
    }),
  );
});

test('a policy that fails is said to have failed, and its stand-in raises and never lowers', () => {
  const broken: readonly Outcome[] = [
    { kind: 'threw', policy: 'slo', message: 'it broke' },
    proposed('slo', Number.NaN),
    proposed('slo', -1),
    proposed('slo', 1e9),
    { kind: 'late', policy: 'slo', tookMs: 90 },
  ];
  for (const failure of broken) {
    const up = decided(4, [failure, proposed('thresholds', 6)]).describe();
    assert.deepEqual([up.target, up.by, up.unsound.length], [6, 'thresholds', 1]);
    const down = decided(4, [failure, proposed('thresholds', 1)]).describe();
    assert.deepEqual([down.target, down.unsound.length], [4, 1]);
    assert.match(down.doubt ?? '', /^slo /);
    assert.equal(down.said[0]?.target, null);
  }
});

test('what a policy throws and how long it takes stay its own', () => {
  const seen = observe();
  const make = (step: () => Proposal): Policy<null> => ({
    name: 'p',
    start: () => null,
    step: (state) => ({ state, proposal: step() }),
  });
  const throwing = make(() => {
    throw new Error('division by nothing');
  });
  assert.deepEqual(
    ask(run(throwing, seen, 0), seen, 0, 50, () => 0),
    {
      kind: 'threw',
      policy: 'p',
      message: 'division by nothing',
    },
  );
  let now = 0;
  const slow = make(() => {
    now += 51;
    return { target: 3, reason: () => '' };
  });
  assert.deepEqual(
    ask(run(slow, seen, 0), seen, 0, 50, () => now),
    { kind: 'late', policy: 'p', tookMs: 51 },
  );
});
