/** Figures from outside: what they amount to, what policies make of them, and that none of them in doubt lowers anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { observe } from '../../testing/observations.ts';
import { externalSignal, multiplied } from './external.ts';
import { makePolicy } from './policies/list.ts';
import { run, type Proposal } from './policy.ts';
import { absent, fresh, type Signal } from './signals.ts';

const limits = { staleMs: 40_000, absentMs: 300_000 };
const stale = (value: number): Signal => ({ kind: 'stale', value, ageMs: 60_000 });

test('a figure has the age of its answer; of two sources that disagree the larger one counts, and it is said', () => {
  const at = 100_000;
  assert.equal(externalSignal([undefined], at, limits).kind, 'absent');
  assert.deepEqual(externalSignal([{ value: 7, at: 90_000 }], at, limits), { kind: 'fresh', value: 7, ageMs: 10_000 });
  assert.equal(externalSignal([{ value: 7, at: 50_000 }], at, limits).kind, 'stale');
  assert.equal(externalSignal([{ value: 7, at: 50_000 }], 400_000, limits).kind, 'absent');
  const both = (one: number, other: number): Signal =>
    externalSignal(
      [
        { value: one, at },
        { value: other, at },
      ],
      at,
      limits,
    );
  assert.deepEqual([both(100, 90).kind, both(100, 90).value], ['fresh', 100]);
  assert.deepEqual([both(0, 90).kind, both(0, 90).value], ['contradictory', 90]);
  assert.equal(externalSignal([undefined, { value: 9, at }], at, limits).value, 9, 'one of a pair is down');
});

/** What the policy holds after minutes of this figure. */
function after(policy: string, parameters: Record<string, unknown>, figure: Signal, held = 4, seconds = 400): Proposal {
  const made = makePolicy(policy, parameters);
  assert.ok(made.kind === 'made', JSON.stringify(made));
  let target = held;
  const seenAt = () => observe({ fleet: { target }, max: 50, external: { jobs: figure } });
  const running = run(made.policy, seenAt(), 0);
  let proposal: Proposal | undefined;
  for (let second = 1; second <= seconds; second += 1) {
    proposal = running.step(seenAt(), second * 1000);
    ({ target } = proposal);
  }
  assert.ok(proposal !== undefined);
  return proposal;
}

const external = [{ metric: 'jobs', perReplica: 10 }];
const rules = [
  ['hpa', { cpuPercent: 0, external }],
  ['keda', { trigger: 'external', external, cooldownSeconds: 0 }],
] as const;

for (const [policy, parameters] of rules) {
  test(`${policy}: one replica for what one can take of a figure, up and down`, () => {
    const up = after(policy, parameters, fresh(250));
    assert.deepEqual([up.target, up.doubt], [25, undefined]);
    assert.equal(after(policy, parameters, fresh(11), 9, 800).target, 2);
  });

  test(`${policy}: a figure in doubt lowers nothing, and may raise where two sources disagree`, () => {
    for (const figure of [absent, stale(1), { kind: 'contradictory', value: 1, ageMs: 0 } as const]) {
      const proposal = after(policy, parameters, figure, 9, 800);
      assert.equal(proposal.target, 9, figure.kind);
      assert.match(proposal.doubt ?? '', /jobs/);
    }
  });
}

test('hpa takes the larger of CPU and what a figure asks for', () => {
  assert.equal(after('hpa', { external }, fresh(120)).target, 12);
});

test('law: more of a figure never asks for less', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.nat(400), fc.constantFrom(...rules), (one, other, [policy, parameters]) => {
      const targetOf = (figure: number): number => after(policy, parameters, fresh(figure), 4, 40).target;
      assert.ok(targetOf(Math.min(one, other)) <= targetOf(Math.max(one, other)));
    }),
    { numRuns: 40 },
  );
});

test('what multiplies the load multiplies it for every policy, within its limits', () => {
  const signals = { arrivals: fresh(40), inFlight: fresh(3), queued: fresh(5), cpu: fresh(0.4) };
  const seen = observe({ signals, external: { campaign: fresh(1.5), wild: fresh(1e9), low: fresh(0) } });
  const told = (metric: string, min = 1, max = 3) => multiplied(seen, [{ metric, min, max }]);
  const { seen: more, claims } = told('campaign');
  assert.deepEqual(
    [more.signals.arrivals.value, more.signals.inFlight.value, more.signals.queued.value, claims],
    [60, 4.5, 5, []],
    'who waits already is a fact of now',
  );
  assert.equal(told('wild').seen.signals.arrivals.value, 120);
  assert.equal(told('low').seen.signals.arrivals.value, 40);
  assert.equal(multiplied(seen, []).seen, seen);
});

test('a multiplier in doubt counts with what is known of it, and holds what there is', () => {
  const of = (figure: Signal) => {
    const seen = observe({ fleet: { target: 6 }, signals: { arrivals: fresh(40) }, external: { campaign: figure } });
    const { seen: told, claims } = multiplied(seen, [{ metric: 'campaign', min: 1, max: 3 }]);
    return [told.signals.arrivals.value, claims];
  };
  assert.deepEqual(of(absent), [40, [{ by: 'the multiplier campaign is not known', min: 6 }]]);
  assert.deepEqual(of(stale(2)), [80, [{ by: 'the multiplier campaign is 60 s old', min: 6 }]]);
});
