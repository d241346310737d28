/**
 * Figures from outside: what the sources of one amount to, and what those that multiply the load make of an observation.
 * Pure. A multiplier that is in doubt counts with its last value, or with one where nothing is known, and lowers nothing.
 */
import type { Observation, ReplicaSample } from './observation.ts';
import type { Claim } from './reconcile.ts';
import { absent, aged, agreed, doubtOf, type Freshness, type Signal } from './signals.ts';

/** What one replica can take of a figure, by its name: the external metric of the policies that have one. */
export interface ExternalTarget {
  readonly metric: string;
  readonly perReplica: number;
}

export interface MetricReading {
  readonly value: number;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** Two that see the same may have been asked seconds apart: by this share of the larger one they may differ. */
const apart = 0.2;

/** `readings`: the last of each source, undefined where it has never answered. */
export function externalSignal(
  readings: readonly (MetricReading | undefined)[],
  at: number,
  freshness: Freshness,
): Signal {
  const [first = absent, second] = readings.map((reading) =>
    reading === undefined ? absent : aged(reading.value, reading.at, at, freshness),
  );
  return second === undefined ? first : agreed(first, second, apart, 0);
}

export interface Multiplier {
  readonly metric: string;
  readonly min: number;
  readonly max: number;
}

export interface Told {
  readonly seen: Observation;
  /** Of those that are in doubt. */
  readonly claims: readonly Claim[];
}

/** What policies are told: the load as seen, times what multiplies it. */
export function multiplied(seen: Observation, multipliers: readonly Multiplier[]): Told {
  if (multipliers.length === 0) return { seen, claims: [] };
  let factor = 1;
  const claims: Claim[] = [];
  for (const { metric, min, max } of multipliers) {
    const signal = seen.external[metric] ?? absent;
    const doubt = doubtOf(`the multiplier ${metric}`, signal);
    if (doubt !== undefined) claims.push({ by: doubt, min: seen.fleet.target });
    if (signal.kind !== 'absent') factor *= Math.min(max, Math.max(min, signal.value));
  }
  if (factor === 1) return { seen, claims };
  const times = (signal: Signal): Signal => ({ ...signal, value: signal.value * factor });
  const { arrivals, inFlight, utilisation, cpu, late } = seen.signals;
  const sample = (replica: ReplicaSample): ReplicaSample => ({ ...replica, cpu: times(replica.cpu) });
  const told: Observation = {
    ...seen,
    signals: {
      ...seen.signals,
      arrivals: times(arrivals),
      inFlight: times(inFlight),
      utilisation: times(utilisation),
      cpu: times(cpu),
      late: times(late),
    },
    ...(seen.replicas === undefined ? {} : { replicas: seen.replicas.map(sample) }),
  };
  return { seen: told, claims };
}

/** The parameter of a policy that takes external metrics. */
export function readExternal(value: unknown): readonly ExternalTarget[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new TypeError('expected a list of metric and perReplica');
  return value.map((one: unknown) => {
    const { metric, perReplica } = (one ?? {}) as Partial<Record<keyof ExternalTarget, unknown>>;
    if (typeof metric !== 'string' || metric === '') throw new TypeError('metric is expected to be a name');
    if (typeof perReplica !== 'number' || !(perReplica > 0) || !Number.isFinite(perReplica))
      throw new TypeError(`perReplica of ${metric} is ${JSON.stringify(perReplica)}, expected a number above 0`);
    return { metric, perReplica };
  });
}
