/** Metrics as values that can cross a process boundary and be added up; the registry and the text format are beside this file. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  /** Count of each bucket on its own (not cumulative), the last one for +Inf. */
  readonly counts: readonly number[];
  readonly sum: number;
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
