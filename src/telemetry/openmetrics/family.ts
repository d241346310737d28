/**
 * What an OpenMetrics 1.0 exposition says, as values: https://prometheus.io/docs/specs/om/open_metrics_spec/.
 * The names in it are the specification's.
 */

export const metricTypes = [
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'stateset',
  'info',
  'summary',
  'unknown',
] as const;
export type MetricType = (typeof metricTypes)[number];

export type LabelSet = Readonly<Record<string, string>>;

export interface ParsedExemplar {
  readonly labels: LabelSet;
  readonly value: number;
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly timestamp?: bigint;
}

export interface ParsedSample {
  readonly name: string;
  readonly labels: LabelSet;
  readonly value: number;
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly timestamp?: bigint;
  readonly exemplar?: ParsedExemplar;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly unit: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

/** What the name of a sample may add to the name of its family. */
export const suffixesOf: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  gaugehistogram: ['_bucket', '_gcount', '_gsum'],
  stateset: [''],
  info: ['_info'],
  summary: ['', '_count', '_sum', '_created'],
  unknown: [''],
};

/** Not what the specification allows; the message says what was expected and shows the line. */
export class ExpositionError extends Error {}
