/**
 * A strict reader of the Prometheus text format 0.0.4: throws, with the line, at whatever a scraper might forgive and a
 * stricter one not. Only for tests; what it checks beyond the grammar are the laws of a histogram and of names.
 */
import assert from 'node:assert/strict';

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly series: Series[];
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < text.length) {
    const at = labelPair.lastIndex;
    const match = labelPair.exec(text);
    assert.ok(match !== null, `no label at ${at}: ${line}`);
    assert.ok(!Object.hasOwn(labels, match[1] ?? ''), `a label twice: ${line}`);
    labels[match[1] ?? ''] = match[2] ?? '';
  }
  return labels;
}

function readValue(text: string, line: string): number {
  if (text === '+Inf') return Infinity;
  assert.match(text, /^-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)$|^NaN$/, line);
  return Number(text);
}

export function readExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: Family | undefined;
  assert.ok(text.endsWith('\n'), 'the last line ends with a line feed');
  const lines = text.slice(0, -1).split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    if (help !== null) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(lines[index + 1] ?? '');
      assert.equal(type?.[1], help[1], `TYPE follows HELP: ${line}`);
      assert.ok(!families.has(help[1] ?? ''), `a family twice: ${line}`);
      current = { name: help[1] ?? '', type: type?.[2] ?? '', help: help[2] ?? '', series: [] };
      families.set(current.name, current);
      index += 1;
      continue;
    }
    const sample = sampleLine.exec(line);
    assert.ok(sample !== null && current !== undefined, `neither a comment nor a sample: ${line}`);
    const name = sample[1] ?? '';
    const suffix = name.slice(current.name.length);
    const suffixes = current.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    assert.ok(name.startsWith(current.name) && suffixes.includes(suffix), `a sample of another family: ${line}`);
    const labels = readLabels(sample[2] ?? '', line);
    const key = name + JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    assert.ok(!seen.has(key), `a series twice: ${line}`);
    seen.add(key);
    current.series.push({ name, labels, value: readValue(sample[3] ?? '', line) });
  }
  for (const family of families.values()) checkLaws(family);
  return families;
}

function checkLaws({ name, type, series }: Family): void {
  assert.match(name, /^flyball_[a-z][a-z0-9_]*$/);
  assert.doesNotMatch(name, /_(?:ms|milliseconds|us|kb|mb|mib|minutes)(?:_|$)/, 'base units');
  assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
  assert.ok(series.length > 0, `${name} has no series`);
  if (type === 'counter') for (const { value } of series) assert.ok(value >= 0, name);
  if (type !== 'histogram') return;
  const groups = new Map<string, Series[]>();
  for (const one of series) {
    const key = JSON.stringify(Object.entries(one.labels).filter(([label]) => label !== 'le'));
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((one) => one.name.endsWith('_bucket'));
    const bounds = buckets.map((one) => (one.labels['le'] === '+Inf' ? Infinity : Number(one.labels['le'])));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${name}: bounds ascend`,
    );
    assert.equal(bounds.at(-1), Infinity, name);
    const counts = buckets.map((one) => one.value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name}: buckets are cumulative`,
    );
    const count = group.find((one) => one.name.endsWith('_count'))?.value;
    assert.equal(count, counts.at(-1), `${name}: _count is the last bucket`);
    assert.ok(Number(group.find((one) => one.name.endsWith('_sum'))?.value) >= 0, name);
  }
}
