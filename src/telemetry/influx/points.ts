/**
 * Metric families as points. A counter gives what it has counted in all and since the last look, a histogram its
 * buckets and the quantiles of what came since. A field has one type for ever, by its family and never by its value:
 * InfluxDB refuses an integer where a float was. Pure.
 */
import { seriesKey, type HistogramSample, type MetricFamily, type Sample } from '../metrics.ts';
import { float, integer, type FieldValue, type Point } from './line-protocol.ts';
import { placeOf, type Place } from './measurements.ts';
import { quantileOf } from './quantile.ts';

type Fields = Record<string, FieldValue>;

const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

export interface Points {
  /** A family, or some of its samples, with what came of it since the last look. */
  add(family: MetricFamily, growth: MetricFamily | undefined): void;
  /** Of everything that was added. */
  all(): Point[];
}

/** `at`: Unix nanoseconds. */
export function openPoints(tags: Readonly<Record<string, string>>, at: bigint): Points {
  const points = new Map<string, Point & { readonly fields: Fields }>();
  const fieldsFor = (place: Place, labels: Sample['labels']): Fields => {
    const own: Record<string, string> = { ...tags, ...place.tags };
    for (const [label, value] of Object.entries(labels)) {
      if (label !== place.fieldLabel && place.without?.includes(label) !== true) own[label] = value;
    }
    let key = place.measurement;
    // Two orders of the same tags would be two lines of one point, which is as good.
    for (const [tag, value] of Object.entries(own)) key += `\u0000${tag}\u0001${value}`;
    let point = points.get(key);
    if (point === undefined) points.set(key, (point = { measurement: place.measurement, tags: own, fields: {}, at }));
    return point.fields;
  };
  return {
    add(family, growth) {
      const place = placeOf(family.name);
      switch (family.type) {
        case 'gauge': {
          const isWhole = place.integer ?? family.name.endsWith('_bytes');
          const stem = place.field === '' ? 'value' : place.field;
          for (const { labels, value } of family.samples) {
            const field = place.fieldLabel === undefined ? stem : `${stem}_${labels[place.fieldLabel] ?? ''}`;
            addTo(fieldsFor(place, labels), field, value, isWhole);
          }
          break;
        }
        case 'counter': {
          const isWhole = !/_seconds(_|$)/.test(family.name);
          const stem = place.field.replace(/_?total$/, '');
          const prefix = stem === '' ? '' : `${stem}_`;
          for (const { labels, value } of family.samples)
            addTo(fieldsFor(place, labels), `${prefix}total`, value, isWhole);
          for (const { labels, value } of growth?.type === 'counter' ? growth.samples : [])
            addTo(fieldsFor(place, labels), `${prefix}increase`, value, isWhole);
          break;
        }
        case 'histogram': {
          const since = new Map(
            (growth?.type === 'histogram' ? growth.samples : []).map((one) => [seriesKey(one), one]),
          );
          for (const sample of family.samples) {
            const fields = histogramFields(place, family.bounds, sample, since.get(seriesKey(sample)));
            Object.assign(fieldsFor(place, sample.labels), fields);
          }
          break;
        }
        default:
          family satisfies never;
      }
    },
    all: () => [...points.values()],
  };
}

/** What is not finite stays so: the encoder leaves it out and counts it. */
function addTo(fields: Fields, name: string, value: number, isWhole: boolean): void {
  const before = fields[name];
  const sum = value + (before?.kind === 'integer' || before?.kind === 'float' ? before.value : 0);
  fields[name] = isWhole ? integer(Math.round(sum)) : float(sum);
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
