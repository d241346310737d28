/**
 * One policy through one scenario: the world runs a second, the policy of production looks at it, what it proposes is
 * reconciled and constrained as in production, and ordered, and so on to the end. Pure but for the time it takes: the same scenario gives the same outcome, byte for
 * byte, on every machine.
 */
import { constrain, startConstraints, unconstrained, type Constraints } from '../core/scaling/constrain.ts';
import { foresee, openSeer } from '../core/scaling/foresee.ts';
import type { Observation } from '../core/scaling/observation.ts';
import type { Policy, RunningPolicy } from '../core/scaling/policy.ts';
import { reconcile, type Outcome as Asked } from '../core/scaling/reconcile.ts';
import { seededRng } from '../rng.ts';
import { arrivalsOf } from './traffic/arrivals.ts';
import { durationMs } from './traffic/traffic.ts';
import { faultsOf } from './faults.ts';
import { beginAfter } from './past.ts';
import type { Scenario } from './scenario.ts';
import { Fleet } from './world/fleet.ts';
import { replicaRate, serviceTables } from './world/service.ts';
import { spanMs, Telemetry } from './world/telemetry.ts';
import { World } from './world/world.ts';

/** A stretch of the rehearsal, for a picture of it: means, and counts a second. */
export interface Stretch {
  readonly target: number;
  readonly serving: number;
  readonly perSecond: number;
  readonly violationsPerSecond: number;
}

export interface Outcome {
  readonly requests: number;
  /** Shares of all requests: late or never computed, and never computed. */
  readonly violationFraction: number;
  readonly shedFraction: number;
  /** Of what was computed; NaN when nothing was. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the order of each replica to its end. */
  readonly replicaSeconds: number;
  /** Changes of target, replicas that were started, and changes in the other direction than the one before. */
  readonly actions: number;
  readonly starts: number;
  readonly flaps: number;
  readonly crashes: number;
  readonly highest: number;
  readonly timeline: readonly Stretch[];
  /** Of each stretch but the last, which may be shorter. */
  readonly stretchSeconds: number;
}

const timelineMax = 480;

/** A policy that throws is an outcome like another: what is held stays. */
function ask(policy: RunningPolicy, seen: Observation, at: number): Asked {
  try {
    return { kind: 'proposed', policy: policy.name, proposal: policy.step(seen, at) };
  } catch (error) {
    return { kind: 'threw', policy: policy.name, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Each source of chance has its own seed, so that a draw more in one changes nothing of the others. */
const seedOf = (seed: number, source: number): number => seed * 8 + source;

export function rehearse(scenario: Scenario, policy: Policy): Outcome {
  const { traffic, seed, min, max, latencyMs, deadlineMs, queueLengthMax } = scenario;
  const service = serviceTables(scenario.service);
  const faults = faultsOf(scenario.faults, seed);
  const world = new World(
    { service, queueLengthMax, latencyMs, deadlineMs },
    arrivalsOf(traffic, seedOf(seed, 1)),
    seededRng(seedOf(seed, 2)),
  );
  const fleet = new Fleet(world, scenario, faults, seededRng(seedOf(seed, 3)));
  const { slotMs, counts } = traffic;
  const perReplica = replicaRate(service);
  const telemetry = new Telemetry({
    world,
    fleet,
    faults,
    min,
    max,
    latencyMs,
    deadlineMs,
    startWallMs: traffic.startWallMs,
    cpuShare: scenario.cpuShare,
    stages: scenario.stages,
    // As warm-up measures it, of one replica; of more nothing else is known than that they are as many. Of a deployment
    // that has run, what its calls really take differs with the load, and the live loop measures it.
    capacity: service.circumstances === undefined ? Float64Array.of(Number.NaN, perReplica) : 'measured',
    oneMs: service.ms[1] as number,
    isHole: (at) => Number.isNaN(counts[Math.ceil(at / slotMs) - 1]),
  });
  const running = beginAfter(policy, telemetry.first(), service.ms[1] as number, scenario.past ?? []);
  const seer = policy.foresees === true ? openSeer(telemetry.first()) : undefined;
  const whole = durationMs(traffic);
  const constraints: Constraints = { ...(scenario.constraints ?? unconstrained), min, max };
  let memory = startConstraints(constraints, fleet.target, 0);
  const stretchSeconds = Math.ceil(whole / spanMs / timelineMax);
  const timeline = new Timeline(stretchSeconds);
  let [actions, flaps, direction, highest] = [0, 0, 0, fleet.target];
  for (let regular = Math.min(spanMs, whole), until = 0; until < whole;) {
    until = fleet.advance(regular);
    const isRegular = until === regular;
    if (isRegular) regular = Math.min(regular + spanMs, whole);
    world.look(until);
    const told = telemetry.read(until);
    const seen = seer === undefined ? told : { ...told, foresight: foresee(seer, told) };
    const wish = reconcile([ask(running, seen, until)], [], [], seen);
    const step = constrain(memory, wish.target, fleet.target, constraints, seen.wallMs, until);
    const { target } = step;
    memory = step.memory;
    if (isRegular) timeline.add(fleet.target, fleet.serving, world.arrivals, world.late + world.shed);
    telemetry.next();
    if (target === fleet.target) continue;
    actions += 1;
    if (faults.isLost()) continue;
    const way = Math.sign(target - fleet.target);
    if (way === -direction) flaps += 1;
    direction = way;
    highest = Math.max(highest, target);
    fleet.order(target, until);
  }
  const { replicaMs, starts, crashes } = fleet;
  world.finish();
  const share = (count: number): number => (world.arrivals === 0 ? 0 : count / world.arrivals);
  return {
    requests: world.arrivals,
    violationFraction: share(world.late + world.shed),
    shedFraction: share(world.shed),
    p50Ms: world.latencies.quantile(0.5),
    p99Ms: world.latencies.quantile(0.99),
    replicaSeconds: replicaMs / 1000,
    actions,
    starts,
    flaps,
    crashes,
    highest,
    timeline: timeline.end(),
    stretchSeconds,
  };
}

/** Seconds gathered into stretches of equal length. */
class Timeline {
  readonly #stretches: Stretch[] = [];
  readonly #length: number;
  #seconds = 0;
  #target = 0;
  #serving = 0;
  #arrivals = 0;
  #violations = 0;
  #arrivalsBefore = 0;
  #violationsBefore = 0;

  constructor(length: number) {
    this.#length = length;
  }

  add(target: number, serving: number, arrivals: number, violations: number): void {
    this.#target += target;
    this.#serving += serving;
    this.#arrivals = arrivals;
    this.#violations = violations;
    this.#seconds += 1;
    if (this.#seconds === this.#length) this.#close();
  }

  end(): readonly Stretch[] {
    if (this.#seconds > 0) this.#close();
    return this.#stretches;
  }

  #close(): void {
    this.#stretches.push({
      target: this.#target / this.#seconds,
      serving: this.#serving / this.#seconds,
      perSecond: (this.#arrivals - this.#arrivalsBefore) / this.#seconds,
      violationsPerSecond: (this.#violations - this.#violationsBefore) / this.#seconds,
    });
    [this.#seconds, this.#target, this.#serving] = [0, 0, 0];
    this.#arrivalsBefore = this.#arrivals;
    this.#violationsBefore = this.#violations;
  }
}
