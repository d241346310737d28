/**
 * What users of other autoscalers have reported, one transcript each, one second a step: it has to come out well here. Where a
 * reference keeps its published rule, the test says what of it can be set, and what the default policy does instead.
 * More of them, where a fleet takes its time: complaints.test.ts; in the live loop: control/governor/reported.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observe, type Said } from '../../testing/observations.ts';
import { seededRng } from '../../rng.ts';
import { constrain, startConstraints, unconstrained } from './constrain.ts';
import type { Observation, ReplicaSample } from './observation.ts';
import { makePolicy } from './policies/list.ts';
import { run, type Proposal } from './policy.ts';
import { absent, fresh } from './signals.ts';

type Seen = Omit<Partial<Observation>, 'fleet' | 'signals'> & Said;

interface Course {
  readonly targets: readonly number[];
  readonly last: Proposal;
}

/** The targets of a fleet that does what it is told `startSeconds` later. */
function course(
  policy: string,
  parameters: Readonly<Record<string, unknown>>,
  seconds: number,
  see: (second: number, ready: number, target: number) => Seen,
  { held = 1, startSeconds = 0, max = 1000 } = {},
): Course {
  const made = makePolicy(policy, parameters);
  assert.ok(made.kind === 'made', JSON.stringify(made));
  const targets = [held];
  const readyAt = (second: number): number => {
    const then = targets[Math.max(0, second - 1 - startSeconds)] as number;
    return Math.min(then, targets.at(-1) as number);
  };
  const at = (second: number): Observation => {
    const target = targets.at(-1) as number;
    const ready = Math.max(readyAt(second), Math.min(held, target));
    const seen = see(second, ready, target);
    return observe({ max, ...seen, fleet: { target, ready, starting: target - ready, ...seen.fleet } });
  };
  const running = run(made.policy, at(1), 0);
  let last: Proposal | undefined;
  for (let second = 1; second <= seconds; second += 1) {
    last = running.step(at(second), second * 1000);
    targets.push(Math.min(max, last.target));
  }
  assert.ok(last !== undefined);
  return { targets, last };
}

const turnsIn = (targets: readonly number[]): number => {
  let [direction, turns] = [0, 0];
  for (const [index, target] of targets.entries()) {
    const way = Math.sign(target - (targets[index - 1] ?? target));
    if (way === 0) continue;
    if (direction !== 0 && way !== direction) turns += 1;
    direction = way;
  }
  return turns;
};

test('a dead band of ten percent keeps forty from becoming more: it can be set, and the default policy has none', () => {
  const busy = (_second: number, ready: number): Seen => ({ signals: { cpu: fresh((0.87 * 40) / ready) } });
  assert.equal(course('hpa', {}, 120, busy, { held: 40 }).targets.at(-1), 40);
  assert.equal(course('hpa', { tolerance: 0.02 }, 120, busy, { held: 40 }).targets.at(-1), 44);
  // 43 of 40 replicas' time is asked for, by requests of 100 ms.
  const offered = { signals: { arrivals: fresh(430), inFlight: fresh(40), serviceMs: fresh(100) } };
  assert.ok((course('slo', {}, 120, () => offered, { held: 40 }).targets.at(-1) ?? 0) > 43);
});

test('one replica of seventy that tells nothing of itself does not keep the other sixty-nine', () => {
  const sample = (cpu: number | undefined): ReplicaSample => ({
    ready: true,
    ageMs: 1e6,
    readinessAgeMs: 1e6,
    cpu: cpu === undefined ? absent : fresh(cpu),
  });
  const see = (_second: number, ready: number): Seen => ({
    replicas: Array.from({ length: ready }, (_, index) => sample(index === 0 ? undefined : 0.3)),
    signals: { cpu: fresh(0.3) },
  });
  assert.ok((course('hpa', {}, 900, see, { held: 70 }).targets.at(-1) ?? 70) < 35);
  // What an average is taken of is who has spoken.
  assert.ok((course('thresholds', { sustainedSeconds: 15 }, 900, see, { held: 70 }).targets.at(-1) ?? 70) < 35);
});

test('holding what was wished is no cooldown: more is added at once, however lately something was taken away', () => {
  const set = { ...unconstrained, downStabilizationSeconds: 300, max: 50 };
  let memory = startConstraints(set, 10, 0);
  let held = 10;
  const wish = (second: number, target: number): number => {
    const step = constrain(memory, target, held, set, 0, second * 1000);
    memory = step.memory;
    return (held = step.target);
  };
  for (let second = 1; second <= 301; second += 1) wish(second, 6);
  assert.equal(held, 6);
  assert.equal(wish(302, 20), 20);
});

test('an endpoint that cannot be reached scales nothing to zero, and a fallback raises from zero and is gone with it', () => {
  const external = [{ metric: 'jobs', perReplica: 5 }];
  const rule = { trigger: 'external', external, cooldownSeconds: 30, pollingSeconds: 5 };
  const seen = (jobs: number | undefined): Seen => ({
    min: 0,
    external: { jobs: jobs === undefined ? absent : fresh(jobs) },
  });
  const unreachable = course('keda', rule, 900, () => seen(undefined), { held: 4 });
  assert.ok(unreachable.targets.every((target) => target === 4));
  assert.match(unreachable.last.doubt ?? '', /jobs is not known/);
  const withFallback = { ...rule, failureThreshold: 3, fallbackReplicas: 6 };
  const { targets, last } = course('keda', withFallback, 900, (second) => seen(second < 120 ? undefined : 0), {
    held: 0,
  });
  assert.equal(targets[60], 6, 'after three reads that failed, from none');
  assert.equal(targets.at(-1), 0);
  assert.doesNotMatch(last.reason(), /fallback/);
});

test('a cooldown that goes for zero alone is said to, and what holds every other count is a bound of any policy', () => {
  const load = (second: number): Seen => ({ signals: { inFlight: fresh(second < 100 ? 20 : 3), queued: fresh(0) } });
  const rule = { threshold: 1, windowSeconds: 10, cooldownSeconds: 10_000 };
  const { targets } = course('keda', rule, 900, load, { held: 20 });
  assert.equal(targets.at(-1), 3, 'not held by it');
  const set = { ...unconstrained, min: 1, max: 50, downStabilizationSeconds: 600 };
  let memory = startConstraints(set, 20, 0);
  let held = 20;
  for (const [index, wish] of targets.slice(1, 600).entries()) {
    const step = constrain(memory, wish, held, set, 0, (index + 1) * 1000);
    memory = step.memory;
    held = step.target;
  }
  assert.equal(held, 20);
});

test('leaving the panic does not undo a plan of which few are ready yet', () => {
  // A thousand at once for ten minutes; replicas take five minutes to come, and then do their part.
  const see = (second: number, ready: number): Seen => ({
    signals:
      second < 30
        ? { inFlight: fresh(10) }
        : { inFlight: fresh(Math.min(1000, ready)), queued: fresh(Math.max(0, 1000 - ready)) },
  });
  const { targets } = course('kpa', { target: 1, utilization: 1 }, 600, see, { held: 10, startSeconds: 300 });
  const plan = Math.max(...targets);
  assert.ok(plan >= 1000, String(plan));
  const reached = targets.indexOf(plan);
  assert.ok(
    targets.slice(reached).every((target) => target >= 0.9 * plan),
    targets.slice(reached).join(' '),
  );
});

test('requests that wait for a cold start are not taken for load: the default policy orders what load and queue need once', () => {
  // 2 a second of 100 ms each, a fifth of a replica; the only one takes 40 s to start and then 80 wait.
  const see = (second: number): Seen => {
    const queued = second <= 40 ? 2 * second : Math.max(0, 80 - 8 * (second - 40));
    const signals = { arrivals: fresh(2), queued: fresh(queued), inFlight: fresh(1), serviceMs: fresh(100) };
    const ready = second <= 40 ? 0 : 1;
    return {
      signals,
      fleet: { ready, starting: 1 - ready },
      lag: { detect: 1000, decide: 0, start: 40_000, load: 0, warm: 0, serve: 0 },
    };
  };
  const { targets } = course('slo', {}, 300, see);
  assert.ok(Math.max(...targets) <= 3, String(Math.max(...targets)));
});

test('a queue that is full is seen although no more is answered', () => {
  const see = (_second: number, ready: number): Seen => ({
    signals: {
      arrivals: fresh(500),
      inFlight: fresh(ready),
      queued: fresh(1024),
      utilisation: fresh(1),
      cpu: fresh(1),
      serviceMs: fresh(100),
      late: fresh(450),
    },
  });
  for (const policy of ['slo', 'thresholds', 'hpa', 'kpa', 'keda', 'ray', 'aws-target', 'aws-step']) {
    const { targets } = course(policy, {}, 900, see, { held: 4, max: 60 });
    assert.ok((targets.at(-1) ?? 0) > 4, `${policy} holds ${targets.at(-1)}`);
  }
});

test('one request at a time for a replica that takes one at a time: who waits behind it counts', () => {
  const see = (): Seen => ({ signals: { inFlight: fresh(1), queued: fresh(5) } });
  assert.ok((course('ray', { targetOngoingRequests: 1 }, 120, see).targets.at(-1) ?? 0) >= 6);
});

test('under a load that stays nobody goes up and down while what was ordered is on its way', () => {
  for (const policy of ['slo', 'thresholds', 'hpa', 'kpa', 'keda', 'ray', 'aws-target']) {
    // 8 replicas' worth of load on 4, and starts that take two minutes.
    const see = (_second: number, ready: number): Seen => {
      const share = Math.min(1, 8 / ready);
      const running = Math.min(8, ready);
      const signals = {
        arrivals: fresh(80),
        inFlight: fresh(running),
        queued: fresh(Math.max(0, 8 - ready)),
        utilisation: fresh(share),
        cpu: fresh(share),
        serviceMs: fresh(100),
      };
      return { signals };
    };
    const { targets } = course(policy, policy === 'kpa' ? { target: 1 } : {}, 900, see, {
      held: 4,
      startSeconds: 120,
      max: 100,
    });
    assert.ok(turnsIn(targets) <= 1, `${policy}: ${turnsIn(targets)} turns`);
  }
});

test('noise around a constant makes no churn: starts and stops have a price', () => {
  const rng = seededRng(7);
  const see = (): Seen => {
    // Sums of four dice: 50 requests a second, give or take 15.
    const arrivals = Math.round(100 * ((rng.next() + rng.next() + rng.next() + rng.next()) / 8));
    return { signals: { arrivals: fresh(arrivals), inFlight: fresh(arrivals / 10), serviceMs: fresh(100) } };
  };
  const { targets } = course('slo', {}, 3600, see, { held: 7 });
  assert.ok(turnsIn(targets) <= 20, `${turnsIn(targets)} turns`);
});

test('room for what may come within a lag is held before it comes, and it is said how much', () => {
  // A ramp of a tenth of a replica a second, and a tier that takes a minute.
  const lag = { detect: 1000, decide: 0, start: 60_000, load: 0, warm: 0, serve: 0 };
  const offered = (second: number): number => 50 + second;
  const see = (second: number): Seen => ({
    lag,
    signals: { arrivals: fresh(offered(second)), inFlight: fresh(offered(second) / 10), serviceMs: fresh(100) },
  });
  const { targets, last } = course('slo', {}, 1200, see, { held: 6, startSeconds: 60 });
  for (const second of [600, 900, 1200])
    assert.ok((targets[second - 60] ?? 0) >= offered(second) / 10, `${targets[second - 60]} at ${second - 60} s`);
  assert.match(last.reason(), /× [\d.]+/);
});
