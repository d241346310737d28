/** The laws that every policy of the list keeps, whatever it sees. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makePolicy, policies } from './list.ts';
import { run, type Policy, type Proposal } from '../policy.ts';
import { absent, fresh, type Signal } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';
import type { Observation } from '../observation.ts';

function policyOf(name: string): Policy {
  const made = makePolicy(name);
  assert.ok(made.kind === 'made');
  return made.policy;
}

const signal = (max: number): fc.Arbitrary<Signal> => {
  const value = fc.double({ min: 0, max, noNaN: true });
  return fc.oneof(
    { weight: 6, arbitrary: value.map((known) => fresh(known)) },
    { weight: 1, arbitrary: fc.constant(absent) },
    { weight: 1, arbitrary: value.map((known): Signal => ({ kind: 'stale', value: known, ageMs: 30_000 })) },
    { weight: 1, arbitrary: value.map((known): Signal => ({ kind: 'contradictory', value: known, ageMs: 0 })) },
  );
};

const seconds: fc.Arbitrary<Partial<Observation['signals']>> = fc.record({
  arrivals: signal(5000),
  inFlight: signal(200),
  queued: signal(2000),
  serviceMs: signal(500),
  utilisation: signal(1),
  cpu: signal(1),
});

/** A fleet that follows at once, with gaps in time; the proposals that came and what was held at each. */
function live(
  policy: Policy,
  signals: readonly Partial<Observation['signals']>[],
  stepMs: number,
): { readonly proposal: Proposal; readonly held: number }[] {
  const max = 50;
  let target = 4;
  let at = 0;
  const running = run(policy, observe({ max, fleet: { target } }), at);
  return signals.map((said) => {
    at += stepMs;
    const held = target;
    const proposal = running.step(observe({ max, spanMs: stepMs, fleet: { target }, signals: said }), at);
    target = Math.min(max, Math.max(1, proposal.target));
    return { proposal, held };
  });
}

const runs = fc.tuple(fc.array(seconds, { minLength: 1, maxLength: 150 }), fc.constantFrom(1000, 2000, 15_000));
const dead = { arrivals: absent, inFlight: absent, queued: absent, utilisation: absent, cpu: absent };

for (const { name } of policies) {
  test(`${name}: a target is whole and not below zero, and its reason can be read`, () => {
    fc.assert(
      fc.property(runs, ([signals, stepMs]) => {
        for (const { proposal } of live(policyOf(name), signals, stepMs)) {
          assert.ok(Number.isInteger(proposal.target) && proposal.target >= 0, `${proposal.target}`);
          assert.ok(proposal.reason().length > 0 && !proposal.reason().includes('NaN'), proposal.reason());
        }
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: with its input in doubt it lowers nothing`, () => {
    fc.assert(
      fc.property(runs, ([signals, stepMs]) => {
        for (const { proposal, held } of live(policyOf(name), signals, stepMs))
          assert.ok(proposal.doubt === undefined || proposal.target >= held, proposal.reason());
      }),
      { numRuns: 60 },
    );
  });

  if (!['fixed', 'cron'].includes(name)) {
    test(`${name}: ten minutes without telemetry at a busy fleet lower nothing, and are said`, () => {
      const busy = { arrivals: fresh(90), inFlight: fresh(9), utilisation: fresh(0.7), cpu: fresh(0.7) };
      const minutes = live(
        policyOf(name),
        Array.from({ length: 900 }, (_, second) => (second < 300 ? busy : dead)),
        1000,
      );
      for (const { proposal, held } of minutes.slice(300)) assert.ok(proposal.target >= held, proposal.reason());
      assert.ok(minutes.at(-1)?.proposal.doubt !== undefined);
    });
  }

  test(`${name}: after the same past, more load never asks for less`, () => {
    const past = fc.array(seconds, { maxLength: 60 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(past, share, share, fc.integer({ min: 1, max: 20 }), (signals, one, other, ready) => {
        const policy = policyOf(name);
        const fleet = { target: ready };
        let state = policy.start(observe({ fleet }), 0);
        for (const [index, said] of signals.entries())
          state = policy.step(state, observe({ fleet, signals: said }), (index + 1) * 1000).state;
        const at = (signals.length + 1) * 1000;
        const asked = (load: number): number => {
          const said = {
            cpu: load,
            utilisation: load,
            arrivals: load * 1000,
            inFlight: load * 100,
            queued: load * 500,
          };
          const known = Object.fromEntries(Object.entries(said).map(([key, value]) => [key, fresh(value)]));
          return policy.step(structuredClone(state), observe({ fleet, signals: known }), at).proposal.target;
        };
        assert.ok(asked(Math.min(one, other)) <= asked(Math.max(one, other)));
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: the same steps give the same proposals, also when its state was stored on the way`, () => {
    fc.assert(
      fc.property(fc.array(seconds, { minLength: 2, maxLength: 80 }), (signals) => {
        const policy = policyOf(name);
        const targets = (interrupted: boolean): unknown[] => {
          let state = policy.start(observe(), 0);
          return signals.map((said, index) => {
            if (interrupted) state = structuredClone(state);
            const step = policy.step(state, observe({ signals: said }), (index + 1) * 1000);
            state = step.state;
            return [step.proposal.target, step.proposal.doubt, step.proposal.reason()];
          });
        };
        assert.deepEqual(targets(false), targets(true));
      }),
      { numRuns: 40 },
    );
  });
}

for (const name of ['slo', 'learned']) {
  test(`${name}: a service time of none is not one, and says nothing of the load`, () => {
    const none = { arrivals: fresh(0), serviceMs: fresh(0) };
    const known = { arrivals: fresh(20), serviceMs: fresh(100) };
    for (const { proposal } of live(policyOf(name), [none, none, none], 1000)) {
      assert.equal(proposal.doubt, 'the service time is not known');
    }
    const after = live(policyOf(name), [none, ...Array.from({ length: 200 }, () => known)], 1000).at(-1);
    assert.equal(after?.proposal.doubt, undefined);
    assert.match(after?.proposal.reason() ?? '', /\(2\.0 now\)/);
  });
}
