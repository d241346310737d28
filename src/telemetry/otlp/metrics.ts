/**
 * Metric families as OTLP metrics (opentelemetry/proto/metrics/v1/metrics.proto): counters as monotonic sums, histograms
 * with explicit bounds, gauges as gauges; under the names that Prometheus has. Pure.
 */
import type { HistogramSample, MetricFamily, Sample } from '../metrics.ts';
import { toAttributes, toNanoseconds } from './values.ts';

export type Temporality = 'cumulative' | 'delta';
/** AggregationTemporality */
const temporalities: Readonly<Record<Temporality, number>> = { delta: 1, cumulative: 2 };

export interface Window {
  /** Unix milliseconds: since when is counted, and when it was looked. */
  readonly from: number;
  readonly to: number;
  readonly temporality: Temporality;
  /** Exemplars that are older have been told of. */
  readonly exemplarsFrom: number;
}

export interface EncodedMetrics {
  /** JSON of one Metric each. */
  readonly metrics: readonly string[];
  /** Samples that JSON has no number for. */
  readonly leftOut: number;
}

/** A metric with more data points becomes several of the same name, so that no single item is huge. */
const pointsMax = 200;

/** UCUM, by the ending of the name: `flyball_queue_duration_seconds_total` counts seconds too. */
const units: readonly (readonly [RegExp, string])[] = [
  [/_seconds(_total)?$/, 's'],
  [/_bytes(_total)?$/, 'By'],
  [/_ratio$/, '1'],
];
const unitOf = (name: string): string => units.find(([pattern]) => pattern.test(name))?.[1] ?? '';

export function encodeMetrics(families: readonly MetricFamily[], window: Window): EncodedMetrics {
  const times = { startTimeUnixNano: toNanoseconds(window.from), timeUnixNano: toNanoseconds(window.to) };
  const metrics: string[] = [];
  let leftOut = 0;
  for (const family of families) {
    const { name, help } = family;
    const head = { name, description: help, unit: unitOf(name) };
    const aggregationTemporality = temporalities[window.temporality];
    if (family.type === 'histogram') {
      for (const samples of inPieces(family.samples)) {
        const dataPoints = samples.map((sample) => histogramPoint(sample, family.bounds, times, window.exemplarsFrom));
        metrics.push(JSON.stringify({ ...head, histogram: { dataPoints, aggregationTemporality } }));
      }
      continue;
    }
    const known = family.samples.filter(({ value }) => Number.isFinite(value));
    leftOut += family.samples.length - known.length;
    for (const samples of inPieces(known)) {
      if (family.type === 'counter') {
        const dataPoints = samples.map((sample) => numberPoint(sample, times));
        metrics.push(JSON.stringify({ ...head, sum: { dataPoints, aggregationTemporality, isMonotonic: true } }));
      } else {
        const dataPoints = samples.map((sample) => numberPoint(sample, { timeUnixNano: times.timeUnixNano }));
        metrics.push(JSON.stringify({ ...head, gauge: { dataPoints } }));
      }
    }
  }
  return { metrics, leftOut };
}

function* inPieces<Each>(all: readonly Each[]): Generator<readonly Each[]> {
  for (let at = 0; at < all.length; at += pointsMax) yield all.slice(at, at + pointsMax);
}

interface Times {
  /** Of what counts. */
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
}

const numberPoint = ({ labels, value }: Sample, times: Times) => ({
  ...times,
  attributes: toAttributes(labels),
  asDouble: value,
});

function histogramPoint(
  { labels, counts, sum, exemplars }: HistogramSample,
  bounds: readonly number[],
  times: Times,
  since: number,
) {
  const held = (exemplars ?? []).flatMap((each) => (each !== null && each.at >= since ? [each] : []));
  return {
    ...times,
    attributes: toAttributes(labels),
    count: String(counts.reduce((total, count) => total + count, 0)),
    sum,
    bucketCounts: counts.map(String),
    explicitBounds: bounds,
    ...(held.length > 0 && {
      exemplars: held.map(({ traceId, value, at }) => ({ traceId, asDouble: value, timeUnixNano: toNanoseconds(at) })),
    }),
  };
}
