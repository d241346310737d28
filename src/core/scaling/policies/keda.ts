/**
 * KEDA, kedacore/keda 8b4f083: a trigger whose mean is compared with a threshold a replica by the HPA (from 1 on), and
 * an activation that brings the fleet from zero and, after a cooldown, back to it. A trigger that cannot be read counts
 * as failed; past `failureThreshold` failed polls the fallback's replicas stand in. Here they may only raise: KEDA itself
 * would also lower to them.
 */
import { activate, readWithFallback, type Fallback, type Health } from './keda-rules.ts';
import { average, buckets, type Buckets, writeSeen } from './bucket-window.ts';
import { hpa } from './hpa.ts';
import { readExternal } from '../external.ts';
import { defaultsOf, type ParameterTable, type Parameters } from '../parameters.ts';
import { absent, doubtOf, fresh } from '../signals.ts';
import { hold, type Policy, type PolicyDefinition, type Proposal } from '../policy.ts';
import type { Observation } from '../observation.ts';

const parameters = {
  trigger: { kind: 'choice', of: ['inHand', 'perSecond', 'external'], default: 'inHand', about: 'What is measured.' },
  external: {
    kind: 'structure',
    default: null,
    about: 'With the trigger external: metric and perReplica; those of scaling.metrics come by themselves.',
    read: readExternal,
  },
  threshold: { kind: 'number', default: 1, min: 0.001, about: 'Requests, or requests a second, a replica.' },
  activationThreshold: { kind: 'number', default: 0, min: 0, about: 'It is active above this.' },
  windowSeconds: { kind: 'number', default: 60, min: 1, max: 3600, about: 'Seconds that the query averages over.' },
  pollingSeconds: { kind: 'number', default: 30, min: 1, max: 3600, about: 'Seconds between two reads.' },
  cooldownSeconds: { kind: 'number', default: 300, min: 0, about: 'Seconds inactive before it goes to zero.' },
  failureThreshold: { kind: 'number', default: 3, min: 0, whole: true, about: 'Failed reads before the fallback.' },
  fallbackReplicas: { kind: 'number', default: 0, min: 0, whole: true, about: 'Replicas of the fallback; 0: none.' },
  fallbackBehavior: {
    kind: 'choice',
    of: ['static', 'currentReplicas', 'currentReplicasIfHigher', 'currentReplicasIfLower'],
    default: 'static',
    about: 'What those are compared with.',
  },
} as const satisfies ParameterTable;

interface KedaState {
  readonly values: Buckets;
  inner: unknown;
  health: Health | null;
  polledAt: number;
  activeAt: number;
  blindAt: number;
}

type Settings = Parameters<typeof parameters>;

/** What stands in for a trigger that fails; more than is held, or what is held. */
function fromFallback(state: KedaState, seen: Observation, set: Settings, doubt: string, at: number): Proposal {
  const { target } = seen.fleet;
  const fallback: Fallback | null =
    set.fallbackReplicas === 0
      ? null
      : { failureThreshold: set.failureThreshold, replicas: set.fallbackReplicas, behavior: set.fallbackBehavior };
  const metricTarget = { kind: 'average', value: set.threshold } as const;
  if (at - state.polledAt >= set.pollingSeconds) {
    state.polledAt = at;
    state.health = readWithFallback(null, state.health, fallback, metricTarget, target).health;
  }
  const failures = state.health?.failures ?? 0;
  if (fallback === null || failures <= set.failureThreshold) return hold(seen, doubt);
  const before: Health = { failures, status: 'Failing' };
  const reading = readWithFallback(null, before, fallback, metricTarget, target);
  const wanted = reading.kind === 'value' ? Math.ceil(reading.value / set.threshold) : target;
  const standing = Math.max(target, Math.min(seen.max, wanted));
  return {
    target: standing,
    doubt,
    reason: () => `${failures} reads failed (${doubt}): the fallback stands for ${wanted}`,
  };
}

function externalDoubt(seen: Observation, { external }: Settings): string | undefined {
  if (external.length === 0) return 'there is no external metric';
  return external
    .map(({ metric }) => doubtOf(metric, seen.external[metric] ?? absent))
    .find((words) => words !== undefined);
}

/** The most that any external metric asks for, in replicas: each is a trigger, and KEDA's HPA takes the largest. */
function externalReplicas(seen: Observation, { external }: Settings): number {
  return Math.max(0, ...external.map(({ metric, perReplica }) => (seen.external[metric] ?? absent).value / perReplica));
}

function create(given: Settings): Policy<KedaState> {
  const isExternal = given.trigger === 'external';
  // An external metric has its own target: what is compared is replicas.
  const set: Settings = isExternal ? { ...given, threshold: 1 } : given;
  const inner = hpa.create({ ...defaultsOf(hpa.parameters), cpuPercent: 0, inHand: set.threshold });
  const names = { inHand: 'requests in hand', perSecond: 'requests a second', external: 'replicas by its metrics' };
  const name = names[set.trigger];
  return {
    name: 'keda',
    start: (seen, atMs) => ({
      values: buckets(set.windowSeconds),
      inner: inner.start(seen, atMs),
      health: null,
      polledAt: atMs / 1000,
      activeAt: atMs / 1000,
      blindAt: Number.NEGATIVE_INFINITY,
    }),
    step: (state, seen, atMs) => {
      const at = atMs / 1000;
      const { inFlight, queued, arrivals } = seen.signals;
      const isRate = set.trigger === 'perSecond';
      const blind = isExternal
        ? externalDoubt(seen, set)
        : isRate
          ? doubtOf('the load', arrivals)
          : (doubtOf('what runs', inFlight) ?? doubtOf('the queue', queued));
      if (blind !== undefined) {
        state.blindAt = at;
        // Nobody saw it idle: the cooldown begins when it is seen again.
        state.activeAt = at;
        return { state, proposal: fromFallback(state, seen, set, blind, at) };
      }
      state.health = null;
      const measured = isExternal
        ? externalReplicas(seen, set)
        : isRate
          ? (arrivals.value * 1000) / seen.spanMs
          : inFlight.value + queued.value;
      writeSeen(state.values, at, measured, seen.spanMs);
      // Its query has averaged already.
      const value = isExternal ? measured : average(state.values, at);
      const { target } = seen.fleet;
      const active = value > set.activationThreshold;
      if (active) state.activeAt = at;
      const cooled = at - state.activeAt >= set.cooldownSeconds;
      const { replicas: awake } = activate({
        currentReplicas: target,
        active: active || !cooled,
        minReplicas: seen.min,
        idleReplicas: null,
        paused: null,
        forcedActivation: false,
      });
      const signals = { ...seen.signals, inFlight: fresh(value), queued: fresh(0) };
      const bounded = { ...seen, min: Math.max(1, seen.min), signals };
      const step = inner.step(state.inner, bounded, atMs);
      state.inner = step.state;
      const doubt = !isExternal && at - state.blindAt < set.windowSeconds ? 'its mean has a hole' : undefined;
      const wish = target === 0 || awake === 0 ? (target === 0 && !active ? 0 : awake) : step.proposal.target;
      if (doubt !== undefined && wish < target) return { state, proposal: hold(seen, doubt) };
      const reason = (): string =>
        wish === 0
          ? `inactive for ${set.cooldownSeconds} s`
          : target === 0
            ? `${value.toFixed(1)} ${name}: it is active`
            : isExternal
              ? `${value.toFixed(1)} ${name}`
              : `${value.toFixed(1)} ${name} over ${set.windowSeconds} s at ${set.threshold} a replica`;
      return { state, proposal: { target: wish, reason, doubt } };
    },
  };
}

export const keda: PolicyDefinition<typeof parameters> = {
  name: 'keda',
  layout: 1,
  summary: 'KEDA: a threshold a replica, activation from zero, a fallback.',
  source: 'kedacore/keda 8b4f083, pkg/fallback and pkg/scaling.',
  parameters,
  create,
};
