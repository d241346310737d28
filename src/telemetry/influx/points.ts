/**
 * Metric families as points. A counter gives what it has counted in all and since the last look, a histogram its
 * buckets and the quantiles of what came since. A field has one type for ever, by its family and never by its value:
 * InfluxDB refuses an integer where a float was. Pure.
 */
import type { HistogramSample, MetricFamily, Sample } from '../metrics.ts';
import { float, integer, type FieldValue, type Point } from './line-protocol.ts';
import { placeOf, type Place } from './measurements.ts';
import { quantileOf } from './quantile.ts';

type Fields = Record<string, FieldValue>;

const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/** `increases`: of the same families, since the last look. `at`: Unix nanoseconds. */
export function toPoints(
  families: readonly MetricFamily[],
  increases: readonly MetricFamily[],
  tags: Readonly<Record<string, string>>,
  at: bigint,
): Point[] {
  const points = new Map<string, { measurement: string; tags: Record<string, string>; fields: Fields }>();
  const put = (place: Place, labels: Sample['labels'], fieldsOf: (before: Fields, suffix: string) => Fields): void => {
    const own: Record<string, string> = { ...tags, ...place.tags };
    for (const [label, value] of Object.entries(labels)) {
      if (label !== place.fieldLabel && place.without?.includes(label) !== true) own[label] = value;
    }
    const key = `${place.measurement} ${JSON.stringify(Object.entries(own).toSorted())}`;
    let point = points.get(key);
    if (point === undefined) points.set(key, (point = { measurement: place.measurement, tags: own, fields: {} }));
    const suffix = place.fieldLabel === undefined ? '' : `_${labels[place.fieldLabel] ?? ''}`;
    Object.assign(point.fields, fieldsOf(point.fields, suffix));
  };
  const grown = new Map(increases.map((family) => [family.name, family]));
  for (const family of families) {
    const place = placeOf(family.name);
    const growth = grown.get(family.name);
    switch (family.type) {
      case 'gauge':
        for (const { labels, value } of family.samples) {
          const isWhole = place.integer ?? family.name.endsWith('_bytes');
          put(place, labels, (before, suffix) => {
            const field = (place.field === '' ? 'value' : place.field) + suffix;
            return { [field]: toField(value + valueIn(before, field), isWhole) };
          });
        }
        break;
      case 'counter':
        putCounter(family.name, place, family.samples, growth?.type === 'counter' ? growth.samples : [], put);
        break;
      case 'histogram': {
        const since = growth?.type === 'histogram' ? growth.samples : [];
        const byLabels = new Map(since.map((sample) => [keyOf(sample), sample]));
        for (const sample of family.samples)
          put(place, sample.labels, () => histogramFields(place, family.bounds, sample, byLabels.get(keyOf(sample))));
        break;
      }
      default:
        family satisfies never;
    }
  }
  return [...points.values()].map((point) => ({ ...point, at }));
}

type Put = (place: Place, labels: Sample['labels'], fieldsOf: (before: Fields, suffix: string) => Fields) => void;

function putCounter(name: string, place: Place, all: readonly Sample[], since: readonly Sample[], put: Put): void {
  const isWhole = !/_seconds(_|$)/.test(name);
  const stem = place.field.replace(/_?total$/, '');
  const total = stem === '' ? 'total' : `${stem}_total`;
  const increase = stem === '' ? 'increase' : `${stem}_increase`;
  for (const [field, samples] of [
    [total, all],
    [increase, since],
  ] as const)
    for (const { labels, value } of samples)
      put(place, labels, (before) => ({ [field]: toField(value + valueIn(before, field), isWhole) }));
}

function histogramFields(
  place: Place,
  bounds: readonly number[],
  { counts, sum }: HistogramSample,
  since: HistogramSample | undefined,
): Fields {
  const prefix = place.field === '' ? '' : `${place.field}_`;
  let cumulative = 0;
  const fields: Fields = {};
  for (const [index, count] of counts.entries()) {
    cumulative += count;
    fields[`${prefix}le_${bounds[index] ?? 'inf'}`] = integer(cumulative);
  }
  fields[`${prefix}count`] = integer(cumulative);
  fields[`${prefix}sum`] = float(sum);
  if (since === undefined) return fields;
  fields[`${prefix}increase`] = integer(since.counts.reduce((total, count) => total + count, 0));
  fields[`${prefix}sum_increase`] = float(since.sum);
  for (const [name, quantile] of Object.entries(quantiles)) {
    const value = quantileOf(bounds, since.counts, quantile);
    if (value !== undefined) fields[prefix + name] = float(value);
  }
  return fields;
}

const keyOf = ({ labels }: HistogramSample): string => JSON.stringify(labels);

/** What is not finite stays so: the encoder leaves it out and counts it. */
const toField = (value: number, isWhole: boolean): FieldValue => (isWhole ? integer(Math.round(value)) : float(value));

function valueIn(fields: Fields, name: string): number {
  const found = fields[name];
  return found?.kind === 'integer' || found?.kind === 'float' ? found.value : 0;
}
