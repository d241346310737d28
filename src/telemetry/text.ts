/** The Prometheus text exposition format, version 0.0.4, from metric families. */
import type { MetricFamily } from './metrics.ts';

export const textContentType = 'text/plain; version=0.0.4; charset=utf-8';

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

export function printNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

export function printLabels(labels: Readonly<Record<string, string>>, extra?: readonly [string, string]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  if (extra !== undefined) pairs.push(`${extra[0]}="${extra[1]}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function* printFamily(family: MetricFamily): Generator<string> {
  yield `# HELP ${family.name} ${escapeHelp(family.help)}`;
  yield `# TYPE ${family.name} ${family.type}`;
  if (family.type !== 'histogram') {
    for (const { labels, value } of family.samples) yield `${family.name}${printLabels(labels)} ${printNumber(value)}`;
    return;
  }
  for (const { labels, counts, sum } of family.samples) {
    let cumulative = 0;
    for (const [index, count] of counts.entries()) {
      cumulative += count;
      const bound = printNumber(family.bounds[index] ?? Infinity);
      yield `${family.name}_bucket${printLabels(labels, ['le', bound])} ${cumulative}`;
    }
    yield `${family.name}_sum${printLabels(labels)} ${printNumber(sum)}`;
    yield `${family.name}_count${printLabels(labels)} ${cumulative}`;
  }
}

/** One exposition; families without samples are left out, every line ends with a line feed. */
export function printFamilies(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.samples.length > 0) lines.push(...printFamily(family));
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
