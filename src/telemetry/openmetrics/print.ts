/**
 * The OpenMetrics 1.0 text format from metric families, with exemplars. What differs from the Prometheus text of
 * `text.ts`: a counter's family is named without `_total`, units are told, bounds are canonical numbers, `# EOF` ends it.
 * `_created` is left out: Prometheus before 3 stores each as one more series, and finds resets without them.
 */
import type { Exemplar, HistogramSample, MetricFamily, Sample } from '../metrics.ts';
import { printLabels, printNumber } from '../text.ts';
import { canonicalNumber } from './number.ts';

export const openMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Base units that names end in; `timestamp_seconds` are seconds too. */
const units = ['seconds', 'bytes', 'celsius', 'joules', 'volts', 'amperes', 'ratio', 'microseconds'] as const;

const escapeHelp = (text: string): string =>
  text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`);

interface Head {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'unknown';
}

/** A counter that is not named as one (a name that other software has given) is of no known type here. */
function headOf({ name, type }: MetricFamily): Head {
  if (type !== 'counter') return { name, type };
  return name.endsWith('_total') ? { name: name.slice(0, -'_total'.length), type } : { name, type: 'unknown' };
}

function printExemplar(exemplar: Exemplar | null | undefined): string {
  if (exemplar === null || exemplar === undefined) return '';
  const { traceId, value, at } = exemplar;
  return ` # ${printLabels({ trace_id: traceId })} ${printNumber(value)} ${(at / 1000).toFixed(3)}`;
}

function* printHistogram(name: string, bounds: readonly number[], sample: HistogramSample): Generator<string> {
  const { labels, counts, sum, exemplars } = sample;
  let cumulative = 0;
  for (const [index, count] of counts.entries()) {
    cumulative += count;
    const bound = canonicalNumber(bounds[index] ?? Infinity);
    yield `${name}_bucket${printLabels(labels, ['le', bound])} ${cumulative}${printExemplar(exemplars?.[index])}`;
  }
  yield `${name}_sum${printLabels(labels)} ${printNumber(sum)}`;
  yield `${name}_count${printLabels(labels)} ${cumulative}`;
}

function* printFamily(family: MetricFamily): Generator<string> {
  const { name, type } = headOf(family);
  yield `# TYPE ${name} ${type}`;
  const unit = units.find((each) => name.endsWith(`_${each}`));
  if (unit !== undefined) yield `# UNIT ${name} ${unit}`;
  yield `# HELP ${name} ${escapeHelp(family.help)}`;
  if (family.type === 'histogram') {
    for (const sample of family.samples) yield* printHistogram(name, family.bounds, sample);
    return;
  }
  const samples: readonly Sample[] = family.samples;
  for (const { labels, value } of samples) yield `${family.name}${printLabels(labels)} ${printNumber(value)}`;
}

/** One exposition; families without samples are left out. */
export function printOpenMetrics(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const family of families) if (family.samples.length > 0) lines.push(...printFamily(family));
  return [...lines, '# EOF', ''].join('\n');
}
