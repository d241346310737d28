/** Metrics as values that can cross a process boundary and be added up; the registry and the text format are beside this file. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One observation that leads to its request. */
export interface Exemplar {
  /** 32 hexadecimal digits, as W3C Trace Context has them. */
  readonly traceId: string;
  /** In the unit of the histogram. */
  readonly value: number;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  /** Count of each bucket on its own (not cumulative), the last one for +Inf. */
  readonly counts: readonly number[];
  readonly sum: number;
  /** The last of each bucket that had one, in the order of `counts`; absent where none has. */
  readonly exemplars?: readonly (Exemplar | null)[];
}

/** Of the samples of one family, which all have the same label names in the same order. */
export const seriesKey = ({ labels }: { readonly labels: Sample['labels'] }): string =>
  Object.values(labels).join('\u0000');

/** What one process has counted. */
export interface FamiliesOf {
  /** The same after a restart: `control 0`, `gateway 1`. */
  readonly source: string;
  readonly families: readonly MetricFamily[];
}

/** Names are `flyball_*` in base units (seconds, bytes); counters end in `_total`. */
export type MetricFamily =
  | {
      readonly name: string;
      readonly help: string;
      readonly type: 'counter' | 'gauge';
      readonly samples: readonly Sample[];
    }
  | {
      readonly name: string;
      readonly help: string;
      readonly type: 'histogram';
      /** Upper bounds, ascending, without +Inf. */
      readonly bounds: readonly number[];
      readonly samples: readonly HistogramSample[];
    };
