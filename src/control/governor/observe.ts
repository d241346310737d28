/**
 * What the governor sees of one deployment: counts of the gateways, words of the replicas, and what was measured, as
 * the observation that every policy takes. Pure. What is not known is absent, and two sources that disagree say so.
 */
import type { Lag, Observation, ReplicaSample } from '../../core/scaling/observation.ts';
import { absent, aged, agreed, fresh, type Freshness, type Signal } from '../../core/scaling/signals.ts';
import type { Counted } from './load-counts.ts';

export interface ReplicaSeen {
  readonly phase: 'starting' | 'ready';
  readonly ageMs: number;
  readonly readyMs: number;
  /** Share of its allowance since its last word; absent where its process is not the one that computes. */
  readonly cpu: Signal;
  /** By its own word. */
  readonly inFlight: number | undefined;
  /** Inferences a second since its last word, by its own count. */
  readonly inferences: number | undefined;
}

export interface Seen {
  readonly target: number;
  readonly min: number;
  readonly max: number;
  readonly replicas: readonly ReplicaSeen[];
  readonly counted: Counted;
  /** Milliseconds since the gateways' words, and that the counts cover. */
  readonly ageMs: number;
  readonly spanMs: number;
  readonly wallMs: number;
  readonly lag: Lag;
  readonly latencyMs: number;
  readonly deadlineMs: number;
  /** The last that was measured under load, or at warm-up; NaN before either. */
  readonly serviceMs: number;
  readonly capacity: Float64Array;
  readonly external: Observation['external'];
}

/** Gateways speak four times a second. */
export const freshness: Freshness = { staleMs: 3000, absentMs: 30_000 };
/** A look that is this late saw the load of another time: its counts are no rate of now. */
export const spanMsMax = 15_000;

const noise = 2;
const apart = 0.5;

export function toObservation(seen: Seen): Observation {
  const { counted, spanMs, replicas, serviceMs } = seen;
  const ready = replicas.filter(({ phase }) => phase === 'ready');
  const isGap = spanMs > spanMsMax;
  // Monotonic: 0 is now.
  const told = (value: number): Signal => (isGap ? absent : aged(value, -seen.ageMs, 0, freshness));
  const arrivals = told(counted.arrivals);
  const inFlight = told(counted.inFlight);
  const busy = ready.map((replica) => replica.inFlight).filter((value) => value !== undefined);
  const own = ready.map((replica) => replica.inferences).filter((value) => value !== undefined);
  const computed = (own.reduce((sum, value) => sum + value, 0) * spanMs) / 1000;
  const total = busy.reduce((sum, value) => sum + value, 0);
  const share = counted.busyMs / (spanMs * Math.max(1, ready.length));
  return {
    tier: 'replicas',
    replicasPerUnit: 1,
    spanMs,
    wallMs: seen.wallMs,
    min: seen.min,
    max: seen.max,
    lag: seen.lag,
    objective: { latencyMs: seen.latencyMs, deadlineMs: seen.deadlineMs },
    external: seen.external,
    capacity: seen.capacity,
    fleet: {
      target: seen.target,
      ready: ready.length,
      starting: replicas.length - ready.length,
    },
    replicas: replicas.map(toSample),
    signals: {
      // Gateways that tell of nobody while replicas compute: somebody asks past them, or they do not count.
      arrivals:
        own.length > 0 && counted.arrivals === 0 && counted.inFlight === 0
          ? agreed(arrivals, fresh(computed), apart, noise)
          : arrivals,
      inFlight: busy.length > 0 && counted.inFlight === 0 ? agreed(inFlight, fresh(total), apart, noise) : inFlight,
      queued: told(counted.queued),
      queueWaitMs: told(counted.queueWaitMs),
      serviceMs: Number.isFinite(serviceMs) ? fresh(serviceMs) : absent,
      utilisation: ready.length === 0 ? absent : told(Math.min(1, share)),
      cpu: meanOf(ready),
      errors: told(counted.failed),
      late: told(counted.late + counted.shed),
      p50Ms: told(counted.p50Ms),
      p99Ms: told(counted.p99Ms),
    },
  };
}

function meanOf(ready: readonly ReplicaSeen[]): Signal {
  const known = ready.filter(({ cpu }) => cpu.kind !== 'absent');
  if (known.length === 0) return absent;
  const ageMs = Math.max(...known.map(({ cpu }) => cpu.ageMs));
  return aged(known.reduce((sum, { cpu }) => sum + cpu.value, 0) / known.length, -ageMs, 0, freshness);
}

const toSample = ({ phase, ageMs, readyMs, cpu }: ReplicaSeen): ReplicaSample => ({
  ready: phase === 'ready',
  ageMs,
  readinessAgeMs: phase === 'ready' ? readyMs : ageMs,
  cpu,
});
