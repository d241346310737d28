/**
 * Knative's pod autoscaler (KPA), knative/serving 98e5ef9: means over a stable and a panic window, a tick every two
 * seconds, panic when the short one asks for twice what is ready, and the way to zero. The gateway stands where
 * Knative's activator stands, in every request's path, so its probe always succeeds. What waits in the gateway counts as
 * concurrency, as it does behind the activator.
 */
import { average, buckets, weightedAverage, type Buckets, writeSeen } from './bucket-window.ts';
import {
  decideZero,
  resolveTarget,
  startKpa,
  tickKpa,
  tickSeconds,
  type KpaMemory,
  type KpaSpec,
} from './kpa-scale.ts';
import { doubtOf } from '../signals.ts';
import { hold, type Policy, type PolicyDefinition, type Proposal } from '../policy.ts';
import type { Observation } from '../observation.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';

const parameters = {
  metric: { kind: 'choice', of: ['concurrency', 'rps'], default: 'concurrency', about: 'What is counted a replica.' },
  containerConcurrency: {
    kind: 'number',
    default: 0,
    min: 0,
    about: 'Requests one replica takes at once; 0: no limit.',
  },
  target: { kind: 'number', default: 0, min: 0, about: 'Requests, or requests a second, a replica; 0: 100, or 200.' },
  utilization: { kind: 'number', default: 0.7, min: 0.01, max: 1, about: 'Share of the target that is aimed at.' },
  stableWindowSeconds: { kind: 'number', default: 60, min: 6, max: 3600, about: 'Seconds of the stable mean.' },
  panicWindowPercent: {
    kind: 'number',
    default: 10,
    min: 1,
    max: 100,
    about: 'Panic window, percent of the stable one.',
  },
  panicThreshold: { kind: 'number', default: 2, min: 1.1, max: 10, about: 'Wish over ready at which it panics.' },
  maxScaleUpRate: { kind: 'number', default: 1000, min: 1.01, about: 'Most it grows a tick, as a factor.' },
  maxScaleDownRate: { kind: 'number', default: 2, min: 1.01, about: 'Most it shrinks a tick, as a factor.' },
  scaleDownDelaySeconds: { kind: 'number', default: 0, min: 0, max: 3600, about: 'Seconds a lower wish has to last.' },
  activationScale: { kind: 'number', default: 1, min: 1, whole: true, about: 'Least count that is not zero.' },
  targetBurstCapacity: { kind: 'number', default: 211, min: -1, about: 'Requests of a burst that must find room.' },
  graceSeconds: { kind: 'number', default: 30, min: 0, about: 'Seconds inactive before the last replica goes.' },
  podRetentionSeconds: { kind: 'number', default: 0, min: 0, about: 'Seconds the last replica is kept at least.' },
  weighted: { kind: 'flag', default: false, about: 'Exponentially weighted windows.' },
} as const satisfies ParameterTable;

type Settings = Parameters<typeof parameters>;

interface KpaState {
  readonly stable: Buckets;
  readonly panic: Buckets;
  readonly memory: KpaMemory;
  tickedAt: number;
  /** When a second was last not known; the windows hold a hole until a stable window after it. */
  blindAt: number;
  desired: number;
  /** Since when it has wanted none, and since when it has been inactive for that; NaN while it wants some. */
  idleSince: number;
  inactiveSince: number;
}

function specOf(set: Settings): KpaSpec {
  const { target, total } = resolveTarget({
    metric: set.metric,
    containerConcurrency: set.containerConcurrency,
    target: set.target > 0 ? set.target : undefined,
    defaultConcurrency: 100,
    defaultRps: 200,
    concurrencyUtilization: set.utilization,
    rpsUtilization: set.utilization,
  });
  return {
    targetValue: target,
    totalValue: total,
    maxScaleUpRate: set.maxScaleUpRate,
    maxScaleDownRate: set.maxScaleDownRate,
    panicThreshold: set.panicThreshold,
    stableWindow: set.stableWindowSeconds,
    scaleDownDelay: set.scaleDownDelaySeconds,
    activationScale: set.activationScale,
    targetBurstCapacity: set.targetBurstCapacity,
    reachable: true,
  };
}

/** Zero is for who has been idle for the stable window and then inactive for the grace period. */
function bounded(state: KpaState, seen: Observation, set: Settings, wish: number, at: number): number {
  if (wish > 0) {
    state.idleSince = Number.NaN;
    state.inactiveSince = Number.NaN;
  } else if (Number.isNaN(state.idleSince)) {
    state.idleSince = at;
  }
  if (at - state.idleSince >= set.stableWindowSeconds && Number.isNaN(state.inactiveSince)) state.inactiveSince = at;
  const inactive = !Number.isNaN(state.inactiveSince);
  const { decision, applied } = decideZero({
    current: seen.fleet.target,
    desired: wish,
    minScale: seen.min,
    maxScale: seen.max,
    enableScaleToZero: true,
    stableWindowSeconds: set.stableWindowSeconds,
    graceSeconds: set.graceSeconds,
    podRetentionSeconds: set.podRetentionSeconds,
    activationTimeoutSeconds: Number.POSITIVE_INFINITY,
    initialScale: 1,
    initialScaleReached: true,
    reachability: 'reachable',
    targetBurstCapacity: set.targetBurstCapacity,
    activatorProbe: 'ok',
    activatorInPathForSeconds: inactive ? at - state.inactiveSince : 0,
    alreadyProxied: true,
    condition: inactive ? 'inactive' : 'active',
    conditionForSeconds: wish > 0 ? 0 : at - (inactive ? state.inactiveSince : state.idleSince),
  });
  if (decision === null) return seen.fleet.target;
  // Zero that isn't to be written yet leaves the last replica.
  return decision === 0 && !applied ? Math.min(1, seen.fleet.target) : decision;
}

function create(set: Settings): Policy<KpaState> {
  const spec = specOf(set);
  const panicSeconds = Math.max(1, Math.round((set.stableWindowSeconds * set.panicWindowPercent) / 100));
  const mean = set.weighted ? weightedAverage : average;
  const name = set.metric === 'rps' ? 'requests a second' : 'requests in hand';
  const describe = (state: KpaState, at: number): Pick<Proposal, 'reason'> => {
    const stable = mean(state.stable, at);
    const panic = mean(state.panic, at);
    const panicking = state.memory.panickingSince !== null;
    return {
      reason: () =>
        `${stable.toFixed(1)} ${name} over ${set.stableWindowSeconds} s and ${panic.toFixed(1)} over ${panicSeconds} s` +
        ` at ${spec.targetValue} a replica${panicking ? ', in panic: nothing is lowered' : ''}`,
    };
  };
  return {
    name: 'kpa',
    start: (seen, atMs) => ({
      stable: buckets(set.stableWindowSeconds),
      panic: buckets(panicSeconds),
      memory: startKpa(seen.fleet.ready, set.scaleDownDelaySeconds, atMs / 1000),
      tickedAt: Number.NEGATIVE_INFINITY,
      blindAt: Number.NEGATIVE_INFINITY,
      desired: seen.fleet.target,
      idleSince: Number.NaN,
      inactiveSince: Number.NaN,
    }),
    step: (state, seen, atMs) => {
      const at = atMs / 1000;
      const { inFlight, queued, arrivals } = seen.signals;
      const isRps = set.metric === 'rps';
      const blind = isRps
        ? doubtOf('the load', arrivals)
        : (doubtOf('what runs', inFlight) ?? doubtOf('the queue', queued));
      if (blind !== undefined) {
        state.blindAt = at;
        state.tickedAt = at;
        state.desired = seen.fleet.target;
        return { state, proposal: hold(seen, blind) };
      }
      const value = isRps ? (arrivals.value * 1000) / seen.spanMs : inFlight.value + queued.value;
      writeSeen(state.stable, at, value, seen.spanMs);
      writeSeen(state.panic, at, value, seen.spanMs);
      if (at - state.tickedAt >= tickSeconds) {
        state.tickedAt = at;
        const observed = { stable: mean(state.stable, at), panic: mean(state.panic, at) };
        const tick = tickKpa(state.memory, spec, seen.fleet.ready, observed, at);
        if (tick !== undefined) state.desired = bounded(state, seen, set, tick.desired, at);
      }
      const proposal = { target: state.desired, ...describe(state, at) };
      // A hole in a window reads as an idle time that nobody has seen.
      if (at - state.blindAt < set.stableWindowSeconds) {
        const doubt = 'its window has a hole';
        return { state, proposal: state.desired < seen.fleet.target ? hold(seen, doubt) : { ...proposal, doubt } };
      }
      return { state, proposal };
    },
  };
}

export const kpa: PolicyDefinition<typeof parameters> = {
  name: 'kpa',
  layout: 1,
  summary: "Knative's pod autoscaler: stable and panic windows.",
  source: 'knative/serving 98e5ef9, pkg/autoscaler and pkg/reconciler/autoscaling/kpa.',
  parameters,
  create,
};
