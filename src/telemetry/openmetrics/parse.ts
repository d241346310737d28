/**
 * Reads an OpenMetrics 1.0 exposition as strictly as the specification is: what a scraper might forgive is refused. It
 * is the witness of what is exported here, and reads what others export.
 *   exposition = *family "# EOF" [LF]
 *   family     = *("# TYPE" / "# HELP" / "# UNIT" name text LF) *(sample LF)
 * The samples of a metric stand together, and a family stands once.
 */
import {
  ExpositionError,
  metricTypes,
  suffixesOf,
  type MetricType,
  type ParsedFamily,
  type ParsedSample,
} from './family.ts';
import { checkHistogram } from './histogram-laws.ts';
import { checkSample, metricOf } from './sample-laws.ts';
import { isMetricName, readSample, unescapeText } from './sample-line.ts';

const descriptor = /^# (TYPE|HELP|UNIT) (\S+) ([^]*)$/;

interface Open {
  readonly name: string;
  type?: MetricType;
  help?: string;
  unit?: string;
  readonly samples: ParsedSample[];
  /** Metrics that have been there, and the one that is being read, with its moment and what it has said at it. */
  readonly seen: Set<string>;
  metric?: string;
  timestamp?: bigint | undefined;
  readonly atOnce: Set<string>;
}

const open = (name: string): Open => ({ name, samples: [], seen: new Set(), atOnce: new Set() });
const typeOf = ({ type }: Open): MetricType => type ?? 'unknown';

/** Throws ExpositionError for whatever is no OpenMetrics. */
export function parseOpenMetrics(text: string): readonly ParsedFamily[] {
  const families: ParsedFamily[] = [];
  const names = new Set<string>();
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  if (lines.pop() !== '# EOF') throw new ExpositionError('expected # EOF as the last line');
  let current: Open | undefined;
  const begin = (name: string): Open => {
    if (current !== undefined) families.push(close(current, names));
    current = open(name);
    return current;
  };
  for (const line of lines) {
    if (line.startsWith('#')) {
      const [, kind, name = '', words = ''] = descriptor.exec(line) ?? refuse('TYPE, HELP or UNIT', line);
      if (!isMetricName(name)) refuse('the name of a metric', line);
      describe(current?.name === name ? current : begin(name), kind as 'TYPE' | 'HELP' | 'UNIT', words, line);
      continue;
    }
    const sample = readSample(line);
    const belongs =
      current !== undefined && suffixesOf[typeOf(current)].some((end) => current?.name + end === sample.name);
    add(belongs && current !== undefined ? current : begin(sample.name), sample, line);
  }
  if (current !== undefined) families.push(close(current, names));
  return families;
}

function refuse(expected: string, line: string): never {
  throw new ExpositionError(`expected ${expected}: ${line}`);
}

function describe(family: Open, kind: 'TYPE' | 'HELP' | 'UNIT', words: string, line: string): void {
  if (family.samples.length > 0) refuse('what describes a family before its samples', line);
  const field = kind === 'TYPE' ? 'type' : kind === 'HELP' ? 'help' : 'unit';
  if (family[field] !== undefined) refuse(`one ${kind}`, line);
  if (field !== 'type') family[field] = field === 'help' ? unescapeText(words) : words;
  else family.type = metricTypes.find((type) => type === words) ?? refuse(`a type (${metricTypes.join(', ')})`, line);
}

function add(family: Open, sample: ParsedSample, line: string): void {
  const type = typeOf(family);
  checkSample(family.name, type, sample);
  const metric = metricOf(family.name, type, sample);
  if (metric !== family.metric) {
    if (family.seen.has(metric)) refuse('the samples of a metric together', line);
    family.seen.add(metric);
    family.atOnce.clear();
  } else {
    if ((sample.timestamp === undefined) !== (family.timestamp === undefined))
      refuse('timestamps at each sample of a metric, or at none', line);
    const isBack = (family.timestamp ?? 0n) > (sample.timestamp ?? 0n);
    if (isBack && type !== 'info') refuse('timestamps that ascend', line);
    if (family.timestamp !== sample.timestamp) family.atOnce.clear();
  }
  family.metric = metric;
  family.timestamp = sample.timestamp;
  const series = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  if (family.atOnce.has(series)) {
    // Two moments that only what was cut off told apart: the first stands.
    if (sample.timestamp !== undefined) return;
    refuse('each series once', line);
  }
  family.atOnce.add(series);
  family.samples.push(sample);
}

function close(family: Open, names: Set<string>): ParsedFamily {
  const { name, help = '', unit = '', samples } = family;
  const type = typeOf(family);
  for (const suffix of new Set(['', ...suffixesOf[type]])) {
    if (names.has(name + suffix)) throw new ExpositionError(`expected ${name + suffix} once: ${name} is a ${type}`);
    names.add(name + suffix);
  }
  if (unit !== '' && !name.endsWith(`_${unit}`))
    throw new ExpositionError(`expected a name that ends in _${unit}: ${name}`);
  if (unit !== '' && (type === 'info' || type === 'stateset')) throw new ExpositionError(`expected no unit: ${name}`);
  if (type === 'histogram' || type === 'gaugehistogram') {
    const groups = Map.groupBy(samples, (sample) => `${sample.timestamp} ${metricOf(name, type, sample)}`);
    for (const group of groups.values()) checkHistogram(name, group);
  }
  return { name, type, unit, help, samples };
}
