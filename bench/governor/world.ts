/**
 * A light world for comparing governors: one queue, c replicas of constant service time, Poisson arrivals, orders that
 * serve a lag later. It steps by one service time: the number in the system at the end of a step is what was there, less
 * at most c, and what came, which is exact for the M/D/c queue (Crommelin 1932). A step is nanoseconds, so the whole
 * comparison takes minutes; a world of single requests is the rehearsal's.
 */
import { seededRandom } from '../../src/load/arrivals.ts';
import { foresee, openSeer } from '../../src/core/scaling/foresee.ts';
import { run, type Policy } from '../../src/core/scaling/policy.ts';
import type { Fleet, Observation, Signals } from '../../src/core/scaling/observation.ts';
import { absent, fresh, type Signal } from '../../src/core/scaling/signals.ts';
import type { Trace } from './traces.ts';

export const serviceSeconds = 0.1;
const steps = Math.round(1 / serviceSeconds);
/** Objective and deadline in service times. */
const objective = 5;
const deadline = 10;
const fleetMax = 2000;

/** Requests by step of one service time: the same seed gives the same. */
export function arrivalsOf({ rates }: Trace, seed: number): Uint16Array {
  const random = seededRandom(seed);
  const counts = new Uint16Array(rates.length * steps);
  for (let step = 0; step < counts.length; step += 1) {
    const mean = (rates[Math.floor(step / steps)] as number) / steps;
    // Inversion by search from zero: short at the few requests that a step has.
    let probability = Math.exp(-mean);
    let left = random();
    let count = 0;
    while (left > probability && count < 10 * mean + 50) {
      left -= probability;
      count += 1;
      probability *= mean / count;
    }
    counts[step] = count;
  }
  return counts;
}

export function perSecondOf(arrivals: Uint16Array): Float64Array {
  const perSecond = new Float64Array(arrivals.length / steps);
  for (let step = 0; step < arrivals.length; step += 1)
    perSecond[Math.floor(step / steps)] = (perSecond[Math.floor(step / steps)] as number) + (arrivals[step] as number);
  return perSecond;
}

export interface Outcome {
  /** Share of requests that were late or shed. */
  readonly violations: number;
  /** Mean replicas ordered, and with each start priced at a lag of one replica. */
  readonly replicas: number;
  readonly cost: number;
  readonly reversalsPerHour: number;
  /** Microseconds of deciding a simulated second. */
  readonly decideMicros: number;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Runs a policy over the arrivals; what it begins with is a fifth more than the mean load, as its operator would size it. */
export function simulate(policy: Policy, arrivals: Uint16Array, lag: number): Outcome {
  const seconds = arrivals.length / steps;
  let all = 0;
  for (const count of arrivals) all += count;
  let ready = Math.max(1, Math.ceil((1.2 * all * serviceSeconds) / seconds));
  let target = ready;

  const signal = (): Writable<Signal> => ({ ...fresh(0) });
  const signals = {
    arrivals: signal(),
    inFlight: signal(),
    queued: signal(),
    queueWaitMs: absent,
    serviceMs: fresh(serviceSeconds * 1000),
    utilisation: signal(),
    cpu: signal(),
    errors: fresh(0),
    late: signal(),
    p50Ms: absent,
    p99Ms: absent,
  } satisfies Signals;
  const fleet: Writable<Fleet> = { target, ready, starting: 0 };
  const seen: Writable<Observation> = {
    tier: 'replicas',
    replicasPerUnit: 1,
    spanMs: 1000,
    wallMs: 0,
    fleet,
    min: 1,
    max: fleetMax,
    lag: { detect: 0, decide: 0, start: lag * 1000, load: 0, warm: 0, serve: 0 },
    objective: { latencyMs: objective * serviceSeconds * 1000, deadlineMs: deadline * serviceSeconds * 1000 },
    signals,
    external: {},
    capacity: [],
  };
  const running = run(policy, seen, 0);
  const seer = policy.foresees === true ? openSeer(seen) : undefined;

  /** Orders under way, oldest first: the step at which they serve, and how many. */
  const dueAt: number[] = [];
  const dueUnits: number[] = [];
  const lagSteps = Math.round(lag * steps);
  let inSystem = 0;
  let [offered, violated, ordered, starts, reversals, direction, decideMs] = [0, 0, 0, 0, 0, 0, 0];

  for (let second = 0; second < seconds; second += 1) {
    let [came, late, busy, room] = [0, 0, 0, 0];
    for (let step = second * steps; step < (second + 1) * steps; step += 1) {
      while (dueAt.length > 0 && (dueAt[0] as number) <= step) {
        ready += dueUnits[0] as number;
        dueAt.shift();
        dueUnits.shift();
      }
      const served = Math.min(inSystem, ready);
      const count = arrivals[step] as number;
      inSystem += count - served;
      busy += Math.min(inSystem, ready);
      room += ready;
      came += count;
      // Who stands at place p starts (p ÷ c) service times on, and came half of one ago on average.
      const over = inSystem - Math.floor((objective - 0.5) * ready);
      if (over > 0) late += Math.min(over, count);
      inSystem = Math.min(inSystem, Math.floor((deadline - 0.5) * ready));
    }
    offered += came;
    violated += late;
    signals.arrivals.value = came;
    signals.inFlight.value = busy / steps;
    signals.queued.value = Math.max(0, inSystem - ready);
    signals.utilisation.value = room === 0 ? 1 : busy / room;
    signals.cpu.value = signals.utilisation.value;
    signals.late.value = late;
    fleet.target = target;
    fleet.ready = ready;
    fleet.starting = target - ready;
    seen.wallMs = second * 1000;

    const begun = performance.now();
    if (seer !== undefined) seen.foresight = foresee(seer, seen);
    const wanted = running.step(seen, (second + 1) * 1000).target;
    decideMs += performance.now() - begun;

    const next = Math.min(fleetMax, Math.max(1, wanted));
    if (next > target) {
      dueAt.push((second + 1) * steps + lagSteps);
      dueUnits.push(next - target);
      starts += next - target;
    }
    for (let surplus = target - next; surplus > 0;) {
      // What has not come yet goes first, the newest of it.
      const newest = dueUnits.length - 1;
      const taken = newest < 0 ? surplus : Math.min(surplus, dueUnits[newest] as number);
      surplus -= taken;
      if (newest < 0) ready -= taken;
      else if (taken === dueUnits[newest]) {
        dueUnits.pop();
        dueAt.pop();
      } else dueUnits[newest] = (dueUnits[newest] as number) - taken;
    }
    const turned = Math.sign(next - target);
    if (turned !== 0) {
      if (direction !== 0 && turned !== direction) reversals += 1;
      direction = turned;
    }
    target = next;
    ordered += target;
  }
  return {
    violations: violated / Math.max(1, offered),
    replicas: ordered / seconds,
    cost: (ordered + starts * lag) / seconds,
    reversalsPerHour: (reversals * 3600) / seconds,
    decideMicros: (decideMs * 1000) / seconds,
  };
}
