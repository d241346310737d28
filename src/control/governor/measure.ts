/** What one look measures of a deployment: noted in what the governor knows of it, and put together as an observation. */
import { lagOf } from '../../core/scaling/lag-book.ts';
import { lookEveryMs } from '../../core/scaling/looks.ts';
import { forgetDoubtful, measureCapacity } from '../../core/scaling/measured-capacity.ts';
import { measureService } from '../../core/scaling/measured-service.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import type { Deployment } from '../deployments.ts';
import type { Replica } from '../replica.ts';
import type { Governed } from './governed.ts';
import type { Counted } from './load-counts.ts';
import { toObservation } from './observe.ts';
import { toReplicaSeen } from './replica-seen.ts';
import { objectiveOf, warmServiceMs } from './settings.ts';

/** Until gateways know of a replica that has become ready. */
const routedMs = 250;
/** Seconds that health is smoothed over. */
const healthSeconds = 5;

export interface Look {
  readonly deployment: Deployment;
  readonly replicas: readonly Replica[];
  readonly counted: Counted;
  /** Age of what the gateways have said. */
  readonly ageMs: number;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly wallMs: number;
  readonly external: Observation['external'];
}

/** Writes into `own`. */
export function measure(own: Governed, look: Look): Observation {
  const { deployment, replicas, counted, ageMs, at, wallMs, external } = look;
  const { specification, desired } = deployment.record;
  const { min, max } = specification.replicas;
  const spanMs = own.lookedAt === undefined ? lookEveryMs : Math.max(1, at - own.lookedAt);
  const cores = specification.resources.cpu ?? 1;
  own.silentSince = counted.arrivals > 0 || counted.inFlight > 0 ? undefined : (own.silentSince ?? at);
  const seen = replicas
    .map((replica) => toReplicaSeen(replica, cores, at, own.silentSince))
    .filter((replica) => replica !== undefined);
  const ready = seen.filter(({ phase }) => phase === 'ready').length;
  if (own.capacity.length !== max + 1) {
    const before = own.capacity;
    own.capacity = Float64Array.from({ length: max + 1 }, (_, count) => before[count] ?? Number.NaN);
  }
  const { completed, queued } = counted;
  const steady = seen.filter(({ phase, readyMs }) => phase === 'ready' && readyMs >= spanMs + routedMs).length;
  const queue = { queuedBefore: own.queued, queuedAfter: queued };
  const capacity = measureCapacity(own.capacity, {
    ready,
    steady,
    readyBefore: own.ready,
    ...queue,
    completed,
    spanMs,
  });
  if (capacity !== own.capacity) own.capacityAt.set(ready, at);
  own.capacity = forgetDoubtful(capacity, own.capacityAt, at);
  own.queued = queued;
  own.ready = ready;
  const curve = replicas.find(({ facts }) => facts?.costCurve !== undefined)?.facts?.costCurve ?? [];
  own.serviceMs = measureService(own.serviceMs, counted.busyMs, completed, spanMs);
  if (Number.isNaN(own.serviceMs)) own.serviceMs = warmServiceMs(specification, curve);
  const observation = toObservation({
    target: Math.min(max, Math.max(1, min, desired)),
    min: Math.max(1, min),
    max,
    replicas: seen,
    counted,
    ageMs,
    spanMs,
    wallMs,
    lag: lagOf(own.lags, lookEveryMs),
    latencyMs: objectiveOf(specification, curve),
    deadlineMs: specification.deadline.defaultMs,
    serviceMs: own.serviceMs,
    capacity: own.capacity,
    external,
  });
  noteHealth(own, observation.signals.arrivals.kind === 'fresh', counted, spanMs, at);
  return observation;
}

/** What nobody tells is no health: a control that has just begun, or whose gateways are silent, knows of none. */
function noteHealth(own: Governed, isKnown: boolean, counted: Counted, spanMs: number, at: number): void {
  own.watchedSince ??= at;
  if (!isKnown) {
    own.healthSince = undefined;
    return;
  }
  own.healthSince ??= at;
  const share = Math.min(1, spanMs / 1000 / healthSeconds);
  const perSecond = 1000 / spanMs;
  const smooth = (before: number, now: number): number => before + share * (now - before);
  own.offered = smooth(own.offered, counted.arrivals * perSecond);
  own.health = {
    completed: smooth(own.health.completed, counted.completed * perSecond),
    late: smooth(own.health.late, (counted.late + counted.shed) * perSecond),
    queued: smooth(own.health.queued, counted.queued),
    inFlight: smooth(own.health.inFlight, counted.inFlight),
  };
}

/** Requests a second that are asked for, smoothed, after so many milliseconds of a load that stays. */
export function offeredAfter(before: number, perSecond: number, passedMs: number): number {
  if (!Number.isFinite(perSecond)) return before;
  return perSecond + (1 - 1 / healthSeconds) ** (passedMs / lookEveryMs) * (before - perSecond);
}
