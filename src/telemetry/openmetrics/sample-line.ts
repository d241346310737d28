/**
 * One line of a sample.
 *   sample   = metricname [labels] SP number [SP timestamp] [exemplar]
 *   exemplar = SP "#" SP labels SP number [SP timestamp]
 *   labels   = "{" [label *("," label)] "}"        label = label-name "=" DQUOTE *escaped-char DQUOTE
 */
import { ExpositionError, type LabelSet, type ParsedExemplar, type ParsedSample } from './family.ts';
import { readNumber, readTimestamp } from './number.ts';

/** Characters of an exemplar's labels, names and values together. */
const exemplarCharactersMax = 128;

const metricName = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
// A backslash before anything but n, " and \ stands for itself.
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[^])*)"/y;
const word = /[^ ]+/y;

export const isMetricName = (text: string): boolean => /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(text);

export const unescapeText = (text: string): string =>
  text.replaceAll(/\\([n"\\])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));

class Reader {
  readonly line: string;
  #at = 0;

  constructor(line: string) {
    this.line = line;
  }

  get ended(): boolean {
    return this.#at === this.line.length;
  }

  fail(expected: string): never {
    throw new ExpositionError(`expected ${expected} at character ${this.#at + 1}: ${this.line}`);
  }

  take(pattern: RegExp, expected: string): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.line) ?? this.fail(expected);
    this.#at = pattern.lastIndex;
    return found;
  }

  has(text: string): boolean {
    return this.line.startsWith(text, this.#at);
  }

  skip(text: string): boolean {
    const there = this.has(text);
    if (there) this.#at += text.length;
    return there;
  }
}

function labels(reader: Reader): LabelSet {
  const found: Record<string, string> = {};
  if (!reader.skip('{')) reader.fail('{');
  if (reader.skip('}')) return found;
  do {
    const [, name = '', value = ''] = reader.take(label, 'a label');
    if (Object.hasOwn(found, name)) reader.fail(`each label once (${name} is there twice)`);
    found[name] = unescapeText(value);
  } while (reader.skip(','));
  if (!reader.skip('}')) reader.fail('a comma or }');
  return found;
}

function number(reader: Reader): number {
  if (!reader.skip(' ')) reader.fail('a space and a number');
  return readNumber(reader.take(word, 'a number')[0]) ?? reader.fail('a number before');
}

/** Of a moment, where one follows. */
function timestamp(reader: Reader): { timestamp?: bigint } {
  if (reader.ended || reader.has(' # ') || !reader.skip(' ')) return {};
  return { timestamp: readTimestamp(reader.take(word, 'a timestamp')[0]) ?? reader.fail('a timestamp before') };
}

function exemplar(reader: Reader): ParsedExemplar {
  const found = labels(reader);
  const characters = Array.from(Object.entries(found).flat().join('')).length;
  if (characters > exemplarCharactersMax) reader.fail(`at most ${exemplarCharactersMax} characters of labels before`);
  return { labels: found, value: number(reader), ...timestamp(reader) };
}

export function readSample(line: string): ParsedSample {
  const reader = new Reader(line);
  const [name] = reader.take(metricName, 'the name of a metric');
  const sample = {
    name,
    labels: reader.has('{') ? labels(reader) : {},
    value: number(reader),
    ...timestamp(reader),
    ...(reader.skip(' # ') ? { exemplar: exemplar(reader) } : {}),
  };
  if (!reader.ended) reader.fail('the end of the line');
  return sample;
}
