/** The metrics that both AWS policies can watch, in percent or requests, and what each is called. */
import { doubtOf, type Signal } from '../signals.ts';
import type { Observation } from '../observation.ts';

export const awsMetrics = ['cpu', 'utilisation', 'requestsPerTarget'] as const;
export type AwsMetric = (typeof awsMetrics)[number];

export interface AwsReading {
  /** Percent, or requests a minute a replica; NaN where it is not known. */
  readonly value: number;
  readonly doubt: string | undefined;
}

export function readMetric(metric: AwsMetric, seen: Observation): AwsReading {
  const { cpu, utilisation, arrivals } = seen.signals;
  const name = metric === 'cpu' ? 'CPU' : metric === 'utilisation' ? 'utilisation' : 'the load';
  const signal: Signal = metric === 'cpu' ? cpu : metric === 'utilisation' ? utilisation : arrivals;
  const doubt = doubtOf(name, signal);
  if (doubt !== undefined) return { value: Number.NaN, doubt };
  if (metric !== 'requestsPerTarget') return { value: signal.value * 100, doubt };
  return { value: (signal.value * 60_000) / seen.spanMs / Math.max(1, seen.fleet.ready), doubt };
}

export const unitOf = (metric: AwsMetric): string => (metric === 'requestsPerTarget' ? ' requests a minute' : ' %');
