import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unconstrained, type Constraints } from '../core/scaling/constrain.ts';
import { makePolicy } from '../core/scaling/policies/list.ts';
import type { Observation } from '../core/scaling/observation.ts';
import type { Policy } from '../core/scaling/policy.ts';
import { faultNames, readFaults, type FaultSettings } from './faults.ts';
import { rehearse, type Outcome } from './rehearse.ts';
import type { Scenario } from './scenario.ts';
import { shapedTraffic } from './traffic/shapes.ts';
import { scaledTo, withoutHoles, type Traffic } from './traffic/traffic.ts';

const traffic = (shape: string, perSecond = 60, seconds = 600): Traffic =>
  scaledTo(shapedTraffic(shape, seconds), perSecond);

function scenario(said: Partial<Scenario> = {}): Scenario {
  return {
    traffic: traffic('flash'),
    service: { curve: [{ rows: 1, ms: 100 }], spread: { kind: 'lognormal', mean: 1, cv: 0.3 }, sizeMax: 1 },
    lag: { kind: 'fixed', mean: 10_000 },
    min: 1,
    max: 100,
    initial: 8,
    queueLengthMax: 1024,
    latencyMs: 500,
    deadlineMs: 1000,
    cpuShare: 1,
    faults: {},
    seed: 7,
    ...said,
  };
}

function policy(name: string, given: Record<string, unknown> = {}): Policy {
  const made = makePolicy(name, given);
  assert.ok(made.kind === 'made');
  return made.policy;
}

function faults(...names: readonly string[]): FaultSettings {
  const read = readFaults(names.map((name) => ({ name, given: {} })));
  assert.ok(read.kind === 'read');
  return read.faults;
}

/** A policy that notes what it sees and does as it is told. */
function witness(
  target: (seen: Observation, at: number) => number,
  note: (seen: Observation, at: number) => void,
): Policy {
  return {
    name: 'witness',
    start: () => null,
    step: (state, seen, at) => {
      note(seen, at);
      return { state, proposal: { target: target(seen, at), reason: () => 'as told' } };
    },
  };
}

test('the same scenario gives the same outcome, byte for byte, and another seed another one', () => {
  const shapes = fc.constantFrom('flash', 'square', 'silence');
  const policies = fc.constantFrom('thresholds', 'hpa', 'kpa', 'keda', 'ray', 'aws-target', 'aws-step');
  fc.assert(
    fc.property(shapes, policies, fc.subarray([...faultNames]), fc.nat(1000), (shape, name, faulty, seed) => {
      const whole = scenario({ traffic: traffic(shape, 40, 300), faults: faults(...faulty), seed });
      const once = JSON.stringify(rehearse(whole, policy(name)));
      assert.equal(JSON.stringify(rehearse(whole, policy(name))), once);
      assert.notEqual(JSON.stringify(rehearse({ ...whole, seed: seed + 1 }, policy(name))), once);
    }),
    { numRuns: 30 },
  );
});

test('every policy meets the same requests, whatever it does and whatever fails', () => {
  const requests = new Set<number>();
  for (const name of ['thresholds', 'hpa', 'kpa'])
    for (const faulty of [[], [...faultNames]])
      requests.add(rehearse(scenario({ faults: faults(...faulty) }), policy(name)).requests);
  assert.equal(requests.size, 1);
});

test('a larger fleet never misses more', () => {
  fc.assert(
    fc.property(fc.constantFrom('flash', 'square', 'ramp'), fc.nat(1000), (shape, seed) => {
      let before = 1;
      for (const count of [4, 6, 8, 12, 20, 40]) {
        const whole = scenario({ traffic: traffic(shape, 60, 300), initial: count, seed });
        const { violationFraction } = rehearse(whole, policy('fixed', { count }));
        // Who was refused before may now be late in front of others: a few requests, never a trend.
        assert.ok(violationFraction <= before + 0.002, `${count} replicas miss ${violationFraction}, fewer ${before}`);
        before = violationFraction;
      }
      assert.equal(before, 0);
    }),
    { numRuns: 20 },
  );
});

test('a replica costs from its order to its end, and serves from its lag on', () => {
  const seen: { at: number; ready: number; starting: number }[] = [];
  const watch = witness(
    (_, at) => (at < 20_000 ? 8 : at < 60_000 ? 10 : 5),
    ({ fleet: { ready, starting } }, at) => seen.push({ at, ready, starting }),
  );
  const quiet = scenario({ traffic: traffic('constant', 10, 100) });
  const outcome = rehearse(quiet, watch);
  const at = (second: number) => seen[second - 1];
  assert.deepEqual(at(21), { at: 21_000, ready: 8, starting: 2 });
  assert.deepEqual(at(29), { at: 29_000, ready: 8, starting: 2 });
  assert.deepEqual(at(31), { at: 31_000, ready: 10, starting: 0 });
  assert.deepEqual(at(61), { at: 61_000, ready: 5, starting: 0 });
  // 20 s of 8, 40 s of 10 and 40 s of 5, and what some still finish after they were told to go.
  assert.ok(outcome.replicaSeconds >= 760 && outcome.replicaSeconds < 761, `${outcome.replicaSeconds}`);
  assert.deepEqual([outcome.actions, outcome.flaps, outcome.starts], [2, 1, 2]);
});

test('scaling in takes pending starts first, and what is told to go finishes what it has', () => {
  const watch = witness(
    (_, at) => (at < 5000 ? 20 : 8),
    () => {},
  );
  const { violationFraction, replicaSeconds } = rehearse(scenario({ traffic: traffic('constant', 10, 60) }), watch);
  assert.equal(violationFraction, 0);
  assert.ok(Math.abs(replicaSeconds - (8 * 60 + 12 * 4)) < 1, `${replicaSeconds}`);
});

test('what is seen of a second is what happened in it', () => {
  let total = 0;
  let [busiest, quantile] = [0, Number.NaN];
  const watch = witness(
    () => 8,
    ({ signals, spanMs }) => {
      total += signals.arrivals.value;
      busiest = Math.max(busiest, signals.utilisation.value);
      quantile = signals.p99Ms.value;
      // Little's law within the second: what is computed is what each takes, as far as it began and ended there.
      assert.ok(Math.abs(signals.inFlight.value - signals.utilisation.value * 8) < 1e-6);
      assert.equal(spanMs, 1000);
    },
  );
  const { requests } = rehearse(scenario({ traffic: traffic('constant', 40, 100) }), watch);
  assert.equal(total, requests);
  assert.ok(busiest > 0.4 && busiest <= 1);
  assert.ok(quantile > 100 && quantile < 500);
});

test('bounds hold, and a target that is no count changes nothing', () => {
  const told = [Number.NaN, -1, 1e300, 2.5, 1000, 0];
  const targets: number[] = [];
  const watch = witness(
    (_, at) => told[Math.min(at / 1000 - 1, told.length - 1)] ?? 8,
    ({ fleet }) => targets.push(fleet.target),
  );
  rehearse(scenario({ traffic: traffic('constant', 10, 10), min: 2 }), watch);
  assert.deepEqual(targets.slice(0, 8), [8, 8, 8, 8, 8, 100, 2, 2]);
});

test('without telemetry the readings age, are old, and are then absent; the load goes on', () => {
  const kinds: string[] = [];
  const watch = witness(
    () => 8,
    ({ signals }) => kinds.push(`${signals.arrivals.kind} ${signals.arrivals.ageMs}`),
  );
  const counts = Float64Array.from({ length: 100 }, (_, second) => (second >= 20 && second < 60 ? Number.NaN : 30));
  const holed = { ...traffic('constant', 30, 100), counts, loads: withoutHoles(counts) };
  const { requests } = rehearse(scenario({ traffic: holed }), watch);
  assert.equal(kinds[19], 'fresh 0');
  assert.equal(kinds[24], 'fresh 5000');
  assert.equal(kinds[25], 'stale 6000');
  assert.equal(kinds[50], 'absent Infinity');
  assert.equal(kinds[60], 'fresh 0');
  assert.ok(requests > 2700 && requests < 3300);
});

test('with wrong telemetry gateways and replicas contradict each other, and no policy takes it for idleness', () => {
  const wrong = readFaults([{ name: 'wrong-telemetry', given: { everySeconds: 60, seconds: 100 } }]);
  assert.ok(wrong.kind === 'read');
  const busy = scenario({ traffic: traffic('constant', 60, 1200), initial: 12, faults: wrong.faults });
  let contradictions = 0;
  const count = witness(
    () => 12,
    ({ signals }) => (contradictions += Number(signals.arrivals.kind === 'contradictory')),
  );
  rehearse(busy, count);
  assert.ok(contradictions > 300, `${contradictions}`);
  for (const name of ['hpa', 'ray', 'aws-target']) {
    const { violationFraction } = rehearse(busy, policy(name));
    const honest = rehearse({ ...busy, faults: {} }, policy(name)).violationFraction;
    assert.ok(violationFraction <= honest + 0.01, `${name}: ${violationFraction}, without the fault ${honest}`);
  }
});

test('a replica that dies is replaced, and what it computed is computed elsewhere', () => {
  const crash = readFaults([{ name: 'crash', given: { everySeconds: 5 } }]);
  assert.ok(crash.kind === 'read');
  const whole = scenario({ traffic: traffic('constant', 60, 600), initial: 12, faults: crash.faults });
  const { crashes, starts, shedFraction } = rehearse(whole, policy('fixed', { count: 12 }));
  assert.ok(crashes > 60 && crashes < 200, `${crashes}`);
  assert.equal(starts, crashes);
  assert.ok(shedFraction < 0.001, `${shedFraction}`);
});

test('lost actions and slow starts cost time', () => {
  const missed = (faulty: FaultSettings): Outcome => rehearse(scenario({ faults: faulty }), policy('keda'));
  const all = readFaults([{ name: 'slow-start', given: { share: 1, factor: 6 } }]);
  assert.ok(all.kind === 'read');
  assert.ok(missed(all.faults).violationFraction > missed({}).violationFraction + 0.02);
  const lost = readFaults([{ name: 'lost-action', given: { share: 1 } }]);
  assert.ok(lost.kind === 'read');
  assert.equal(missed(lost.faults).starts, 0);
});

test('an unknown fault and a parameter that is none are refused by name', () => {
  const read = readFaults([
    { name: 'flood', given: {} },
    { name: 'crash', given: { often: 1 } },
  ]);
  assert.ok(read.kind === 'refused');
  assert.match(read.problems.join('\n'), /there is no fault flood, expected one of crash, slow-start/);
  assert.match(read.problems.join('\n'), /fault crash: often is no parameter of it/);
});

test('what constraints forbid is not done: a freeze holds all, a rest is kept, a budget of turns and of money too', () => {
  const held = (more: Partial<Constraints>): Outcome =>
    rehearse(
      scenario({ traffic: traffic('square', 60, 1800), constraints: { ...unconstrained, ...more } }),
      policy('kpa', { target: 1 }),
    );
  const free = held({});
  assert.ok(free.flaps >= 3 && free.highest > 12, `${free.flaps} turns, up to ${free.highest}`);
  const startWallMs = traffic('square').startWallMs;
  const frozen = held({
    freezes: [{ fromMs: startWallMs, untilMs: startWallMs + 3_600_000, kind: 'both', reason: 'a fair' }],
  });
  assert.deepEqual([frozen.actions, frozen.highest], [0, 8]);
  const rested = held({ downStabilizationSeconds: 1200 });
  assert.ok(rested.flaps < free.flaps && rested.replicaSeconds > free.replicaSeconds);
  const few = held({ reversalsPerHour: 3 });
  assert.ok(few.flaps <= 3, `${few.flaps} turns`);
  // Eleven replicas for the half hour, at 1 an hour.
  const poor = held({ cost: { amount: 5.5, periodSeconds: 1800, pricePerHour: 1 } });
  assert.ok(poor.replicaSeconds / 3600 < 5.8 && free.replicaSeconds / 3600 > 5.8, `${poor.replicaSeconds / 3600}`);
});
