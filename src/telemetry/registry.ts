/**
 * Counters, gauges and histograms of one process, cheap enough for the request path: a caller looks its series up once
 * and then adds to plain numbers. What leaves is `MetricFamily` values; the text format is in `text.ts`.
 * Invariant: a family has one set of label names, and at most `seriesMax` series; what would be one more is counted
 * under the label value `other`, so that a caller who invents names cannot exhaust memory.
 */
import type { Exemplar, HistogramSample, MetricFamily } from './metrics.ts';

type Labels = Readonly<Record<string, string>>;

export interface Definition {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface CounterSeries {
  value: number;
}

export interface HistogramSeries {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum: number;
  /** The last of each bucket; there from the first one on. */
  exemplars?: (Exemplar | null)[];
}

const seriesMax = 10_000;

type Read = () => Iterable<{ readonly labels: Labels; readonly value: number }>;

export interface Registry {
  /** The series for these label values, in the order of the definition; created at 0. */
  counter(definition: Definition): (...values: readonly string[]) => CounterSeries;
  histogram(
    definition: Definition & { readonly bounds: readonly number[] },
  ): (...values: readonly string[]) => HistogramSeries;
  /** Gauges, and totals that somebody else keeps, are read when somebody asks, so that they can't go stale. */
  gauge(definition: Definition, read: Read): void;
  total(definition: Definition, read: Read): void;
  families(): MetricFamily[];
}

/** Scrapes are seconds apart: a younger exemplar would be replaced before anybody has seen it. */
const exemplarHeldMs = 1000;

/**
 * Adds one observation to a histogram series; `value` in the unit of its bounds. With the trace of its request (`at`:
 * Unix milliseconds), it takes the place of the bucket's exemplar, once a second at most: one a bucket is held, so that
 * a slow bucket keeps its last slow request.
 */
export function observe(
  series: HistogramSeries,
  value: number,
  trace?: { readonly traceId: string; readonly at: number },
): void {
  const { bounds, counts } = series;
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
  (counts[bucket] as number) += 1;
  series.sum += value;
  if (trace === undefined) return;
  const exemplars = (series.exemplars ??= counts.map(() => null));
  const held = exemplars[bucket];
  // A clock that was set back must not keep an old one for ever.
  if (held != null && trace.at >= held.at && trace.at - held.at < exemplarHeldMs) return;
  exemplars[bucket] = { traceId: trace.traceId, value, at: trace.at };
}

const toSample = (labels: Labels, { counts, sum, exemplars }: HistogramSeries): HistogramSample => ({
  labels,
  counts: [...counts],
  sum,
  ...(exemplars !== undefined && { exemplars: [...exemplars] }),
});

function seriesOf<Series>(definition: Definition, create: () => Series) {
  const series = new Map<string, { labels: Labels; series: Series }>();
  const toLabels = (values: readonly string[]): Labels =>
    Object.fromEntries(definition.labels.map((name, index) => [name, values[index] ?? '']));
  const lookUp = (...values: readonly string[]): Series => {
    const key = values.join('\u0000');
    const found = series.get(key);
    if (found !== undefined) return found.series;
    if (series.size >= seriesMax && !values.every((value) => value === 'other'))
      return lookUp(...definition.labels.map(() => 'other'));
    const made = { labels: toLabels(values), series: create() };
    series.set(key, made);
    return made.series;
  };
  return { lookUp, all: () => [...series.values()] };
}

const toFamily = ({ name, help }: Definition, type: 'gauge' | 'counter', read: Read): MetricFamily => ({
  name,
  help,
  type,
  samples: [...read()].map(({ labels, value }) => ({ labels, value })),
});

export function openRegistry(): Registry {
  const families: (() => MetricFamily)[] = [];
  return {
    counter(definition) {
      const { lookUp, all } = seriesOf<CounterSeries>(definition, () => ({ value: 0 }));
      families.push(() => ({
        name: definition.name,
        help: definition.help,
        type: 'counter',
        samples: all().map(({ labels, series }) => ({ labels, value: series.value })),
      }));
      return lookUp;
    },
    histogram(definition) {
      const { bounds } = definition;
      const { lookUp, all } = seriesOf<HistogramSeries>(definition, () => ({
        bounds,
        counts: Array.from({ length: bounds.length + 1 }, () => 0),
        sum: 0,
      }));
      families.push(() => ({
        name: definition.name,
        help: definition.help,
        type: 'histogram',
        bounds,
        samples: all().map(({ labels, series }) => toSample(labels, series)),
      }));
      return lookUp;
    },
    gauge: (definition, read) => void families.push(() => toFamily(definition, 'gauge', read)),
    total: (definition, read) => void families.push(() => toFamily(definition, 'counter', read)),
    families: () => families.map((family) => family()),
  };
}

/** Families of several processes as one: samples of the same labels are added up. */
export function mergeFamilies(parts: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const merged = new Map<string, MetricFamily>();
  for (const family of parts.flat()) {
    const before = merged.get(family.name);
    merged.set(family.name, before === undefined ? family : mergeTwo(before, family));
  }
  return [...merged.values()];
}

function mergeTwo(a: MetricFamily, b: MetricFamily): MetricFamily {
  if (a.type === 'histogram' && b.type === 'histogram') {
    return {
      ...a,
      samples: addUp([...a.samples, ...b.samples], (left, right) => ({
        labels: left.labels,
        counts: left.counts.map((count, index) => count + (right.counts[index] ?? 0)),
        sum: left.sum + right.sum,
        ...latestExemplars(left, right),
      })),
    };
  }
  // Two processes of one build never disagree about a family's type; if they did, the first one stands.
  if (a.type === 'histogram' || b.type === 'histogram') return a;
  return {
    ...a,
    samples: addUp([...a.samples, ...b.samples], (left, right) => ({
      labels: left.labels,
      value: left.value + right.value,
    })),
  };
}

/** Of each bucket the younger one. */
function latestExemplars(left: HistogramSample, right: HistogramSample): Pick<HistogramSample, 'exemplars'> {
  if (left.exemplars === undefined) return right.exemplars === undefined ? {} : { exemplars: right.exemplars };
  const exemplars = left.exemplars.map((mine, index) => {
    const other = right.exemplars?.[index] ?? null;
    return mine !== null && (other === null || mine.at >= other.at) ? mine : other;
  });
  return { exemplars };
}

function addUp<S extends { readonly labels: Labels }>(samples: readonly S[], add: (left: S, right: S) => S): S[] {
  const byLabels = new Map<string, S>();
  for (const sample of samples) {
    const key = JSON.stringify(Object.entries(sample.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const before = byLabels.get(key);
    byLabels.set(key, before === undefined ? sample : add(before, sample));
  }
  return [...byLabels.values()];
}
