/**
 * The Kubernetes Horizontal Pod Autoscaler (autoscaling/v2), kubernetes/kubernetes v1.34.1: every `syncSeconds` the
 * largest count of its metrics, stabilised, limited by rate, and bounded. Metrics here: CPU in percent of the allowance
 * a replica, requests in hand a replica, requests per second a replica, 0 turns one off; and external metrics with a target
 * a replica (AverageValue).
 * What a controller's cluster would tell of pods, `replicas` of the observation tells, or the fleet's mean where it is
 * not filled; those that are starting are its unready pods.
 */
import {
  changed,
  freshMemory,
  pass,
  type MetricResult,
  type Pass,
  type PassMemory,
  type PassSettings,
} from './hpa-pass.ts';
import { defaultScaleDown, defaultScaleUp, type Behavior, type RatePolicy, type Rules } from './hpa-behavior.ts';
import { fromUtilization, fromValuePerPod, type Initialization, type Pod, type Tolerance } from './hpa-replicas.ts';
import { readExternal } from '../external.ts';
import { hold, type Policy, type PolicyDefinition, type Proposal } from '../policy.ts';
import { absent, doubtOf, type Signal } from '../signals.ts';
import type { Observation } from '../observation.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A whole number within Kubernetes' own limits. */
function wholeOf(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new TypeError(`${name} is ${JSON.stringify(value)}, expected a whole number of ${min} to ${max}`);
}

function readRatePolicy(value: unknown): RatePolicy {
  if (!isRecord(value)) throw new TypeError('a policy is expected to be a mapping of type, value and periodSeconds');
  const { type } = value;
  if (type !== 'Pods' && type !== 'Percent')
    throw new TypeError('the type of a policy is expected to be Pods or Percent');
  return {
    type,
    value: wholeOf(value['value'], 'value', 1, 1_000_000),
    periodSeconds: wholeOf(value['periodSeconds'], 'periodSeconds', 1, 1800),
  };
}

/** One side of `behavior` as Kubernetes has it; what is left out takes Kubernetes' default. */
export function readRules(value: unknown, defaults: Rules): Rules {
  if (value === null || value === undefined) return defaults;
  if (!isRecord(value)) throw new TypeError('expected a mapping of selectPolicy, stabilizationWindowSeconds, policies');
  const { selectPolicy = defaults.selectPolicy, policies = defaults.policies, tolerance } = value;
  const window = value['stabilizationWindowSeconds'] ?? defaults.stabilizationWindowSeconds;
  if (selectPolicy !== 'Max' && selectPolicy !== 'Min' && selectPolicy !== 'Disabled')
    throw new TypeError(`selectPolicy is ${JSON.stringify(selectPolicy)}, expected Max, Min or Disabled`);
  if (!Array.isArray(policies) || policies.length === 0)
    throw new TypeError('policies is expected to be a list of some');
  if (tolerance !== undefined && !(typeof tolerance === 'number' && tolerance >= 0))
    throw new TypeError(`tolerance is ${JSON.stringify(tolerance)}, expected a number of at least 0`);
  return {
    selectPolicy,
    stabilizationWindowSeconds: wholeOf(window, 'stabilizationWindowSeconds', 0, 3600),
    policies: policies.map(readRatePolicy),
    tolerance,
  };
}

const parameters = {
  cpuPercent: { kind: 'number', default: 80, min: 0, max: 100, about: 'CPU a replica in percent of its allowance.' },
  inHand: { kind: 'number', default: 0, min: 0, about: 'Requests that wait or run, a replica.' },
  perSecond: { kind: 'number', default: 0, min: 0, about: 'Requests per second, a replica.' },
  external: {
    kind: 'structure',
    default: null,
    about: 'External metrics: metric and perReplica; those of scaling.metrics come by themselves.',
    read: readExternal,
  },
  tolerance: { kind: 'number', default: 0.1, min: 0, max: 1, about: 'Relative error that changes nothing.' },
  syncSeconds: { kind: 'number', default: 15, min: 1, max: 3600, about: 'Seconds between two looks.' },
  cpuInitializationSeconds: { kind: 'number', default: 300, min: 0, about: 'Age at which CPU is believed for sure.' },
  initialReadinessSeconds: { kind: 'number', default: 30, min: 0, about: 'Age up to which it was never ready.' },
  scaleUp: {
    kind: 'structure',
    default: null,
    about: 'behavior.scaleUp as in autoscaling/v2.',
    read: (value: unknown) => readRules(value, defaultScaleUp),
  },
  scaleDown: {
    kind: 'structure',
    default: null,
    about: 'behavior.scaleDown as in autoscaling/v2.',
    read: (value: unknown) => readRules(value, defaultScaleDown),
  },
} as const satisfies ParameterTable;

/** Sums over the time since the last look, so that a look reads means and not a moment. */
interface Sums {
  readonly ms: number;
  readonly cpu: number;
  readonly inHand: number;
  readonly arrivals: number;
}

const noSums: Sums = { ms: 0, cpu: 0, inHand: 0, arrivals: 0 };

interface HpaState {
  readonly memory: PassMemory;
  readonly target: number;
  readonly lookedAt: number;
  readonly sums: Sums;
  readonly last: Pass | null;
}

const cpuWindowSeconds = 15;

function podsOf(seen: Observation, cpu: number): readonly Pod[] {
  if (seen.replicas !== undefined) {
    return seen.replicas.map((replica): Pod => {
      const pod = {
        phase: 'Running',
        deleted: false,
        ready: replica.ready,
        ageSeconds: replica.ageMs / 1000,
        readyChangedSecondsAgo: replica.readinessAgeMs / 1000,
        requestMilli: 1000,
      };
      if (replica.cpu.kind !== 'fresh') return pod;
      const usage = { milli: Math.round(replica.cpu.value * 1000), ageSeconds: 0, windowSeconds: cpuWindowSeconds };
      return { ...pod, usage };
    });
  }
  const { ready, starting } = seen.fleet;
  const usage = { milli: Math.round(cpu * 1000), ageSeconds: 0, windowSeconds: cpuWindowSeconds };
  const old = { phase: 'Running', deleted: false, ageSeconds: 1e9, readyChangedSecondsAgo: 1e9, requestMilli: 1000 };
  const counted: Pod = { ...old, ready: true, usage };
  const unready: Pod = { ...old, ready: false, usage: { ...usage, milli: 0 } };
  return Array.from({ length: ready + starting }, (_, index) => (index < ready ? counted : unready));
}

type Settings = Parameters<typeof parameters>;

function measure(seen: Observation, set: Settings, sums: Sums, tolerance: Tolerance): readonly MetricResult[] {
  const { target, ready, starting } = seen.fleet;
  const { signals } = seen;
  const results: MetricResult[] = [];
  const broken = (reason: string): MetricResult => ({ kind: 'error', reason, spec: false });
  if (set.cpuPercent > 0) {
    const init: Initialization = {
      cpuSeconds: set.cpuInitializationSeconds,
      readinessSeconds: set.initialReadinessSeconds,
    };
    const pods = signals.cpu.kind === 'fresh' && sums.ms > 0 ? podsOf(seen, sums.cpu / sums.ms) : [];
    const result = fromUtilization(pods, target, { isCpu: true, targetPercent: set.cpuPercent }, tolerance, init);
    results.push(
      result.kind === 'error'
        ? broken('FailedGetResourceMetric')
        : { kind: 'replicas', replicas: result.replicas, metric: `CPU at ${result.usage} %` },
    );
  }
  const perPod = (name: string, known: boolean, value: number, perReplica: number): void => {
    if (perReplica <= 0) return;
    const result = fromValuePerPod(ready + starting, value * 1000, perReplica * 1000, tolerance);
    if (!known || sums.ms <= 0 || result.kind === 'error') results.push(broken('FailedGetExternalMetric'));
    else results.push({ kind: 'replicas', replicas: result.replicas, metric: `${value.toFixed(1)} ${name}` });
  };
  const isFresh = (...of: readonly Signal[]): boolean => of.every((signal) => signal.kind === 'fresh');
  perPod('requests in hand', isFresh(signals.inFlight, signals.queued), sums.inHand / sums.ms, set.inHand);
  perPod('requests a second', isFresh(signals.arrivals), (sums.arrivals * 1000) / sums.ms, set.perSecond);
  for (const { metric, perReplica } of set.external) {
    const { kind, value } = seen.external[metric] ?? absent;
    // Two sources that disagree: the value is the one that asks for more.
    perPod(metric, kind === 'fresh' || kind === 'contradictory', value, perReplica);
  }
  return results;
}

function proposalOf(seen: Observation, last: Pass | null): Proposal {
  const { target } = seen.fleet;
  if (last === null) return { target, reason: () => 'it has not looked yet' };
  const { wish, metric, replicas } = last;
  if (wish === undefined && last.failing) return hold(seen, 'no metric of it can be read, or one that would lower it');
  return {
    target: last.failing ? Math.max(replicas, target) : replicas,
    reason: () => {
      const [, , reason] = last.conditions.at(-1) ?? ['', '', ''];
      if (wish === undefined) return reason === 'ScalingDisabled' ? 'the fleet is at zero' : 'outside its bounds';
      return wish === replicas
        ? `${metric} asks for ${wish}`
        : `${metric} asks for ${wish}, ${reason} gives ${replicas}`;
    },
    doubt: last.failing ? 'a metric of it cannot be read' : undefined,
  };
}

function add(sums: Sums, seen: Observation): Sums {
  const { cpu, inFlight, queued, arrivals } = seen.signals;
  const known = (signal: Signal): number => (signal.kind === 'fresh' ? signal.value : 0);
  return {
    ms: sums.ms + seen.spanMs,
    cpu: sums.cpu + known(cpu) * seen.spanMs,
    inHand: sums.inHand + (known(inFlight) + known(queued)) * seen.spanMs,
    arrivals: sums.arrivals + known(arrivals),
  };
}

function create(set: Settings): Policy<HpaState> {
  const behavior: Behavior = { scaleUp: set.scaleUp, scaleDown: set.scaleDown };
  const tolerance: Tolerance = {
    up: set.scaleUp.tolerance ?? set.tolerance,
    down: set.scaleDown.tolerance ?? set.tolerance,
  };
  const sure = (seen: Observation, proposal: Proposal): Proposal => {
    const { cpu, inFlight, queued, arrivals } = seen.signals;
    const doubt =
      (set.cpuPercent > 0 ? doubtOf('CPU', cpu) : undefined) ??
      (set.inHand > 0 ? (doubtOf('what runs', inFlight) ?? doubtOf('the queue', queued)) : undefined) ??
      (set.perSecond > 0 ? doubtOf('the load', arrivals) : undefined) ??
      set.external
        .map(({ metric }) => doubtOf(metric, seen.external[metric] ?? absent))
        .find((words) => words !== undefined);
    if (doubt === undefined) return proposal;
    return proposal.target > seen.fleet.target ? { ...proposal, doubt } : hold(seen, doubt);
  };
  return {
    name: 'hpa',
    start: (seen, at) => ({ memory: freshMemory, target: seen.fleet.target, lookedAt: at, sums: noSums, last: null }),
    step: (before, seen, at) => {
      const { target } = seen.fleet;
      // A change counts from the look that asked for it.
      const memory = changed(before.memory, before.target, target, behavior, before.lookedAt / 1000);
      const sums = add(before.sums, seen);
      if (at - before.lookedAt < set.syncSeconds * 1000) {
        const moved = target !== before.target && before.last !== null && before.last.replicas !== target;
        const state = { ...before, memory, target, sums, last: moved ? null : before.last };
        return { state, proposal: sure(seen, proposalOf(seen, state.last)) };
      }
      const settings: PassSettings = {
        min: seen.min,
        max: seen.max,
        behavior,
        upLimitFactor: 2,
        downWindowSeconds: set.scaleDown.stabilizationWindowSeconds,
      };
      const looked = pass(memory, target, settings, () => measure(seen, set, sums, tolerance), at / 1000);
      const state = { memory: looked.memory, target, lookedAt: at, sums: noSums, last: looked };
      return { state, proposal: sure(seen, proposalOf(seen, looked)) };
    },
  };
}

export const hpa: PolicyDefinition<typeof parameters> = {
  name: 'hpa',
  layout: 1,
  summary: 'The Kubernetes Horizontal Pod Autoscaler.',
  source: 'kubernetes/kubernetes v1.34.1, pkg/controller/podautoscaler.',
  parameters,
  create,
};
