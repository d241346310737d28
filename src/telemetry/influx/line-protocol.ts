/**
 * Points as InfluxDB line protocol. Pure.
 *
 *   measurement[,tag=value…] field=value[,field=value…] timestamp
 *
 *   measurement   comma and space behind a backslash
 *   tag, its value, field   comma, equals sign and space behind a backslash
 *   value         float 1.5 | integer 42i | boolean true | string "…", quote and backslash behind a backslash
 *
 * (docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference, …/v2/reference/syntax/line-protocol)
 *
 * What it cannot say is said otherwise. In names and tags a line break is the two characters `\n`, as Telegraf has it. A
 * backslash is `_` in the names of measurements and fields, and in tags where it stands before another one, a separator
 * or the end: InfluxDB 1.x reads such a pair in one place as an escape and in another not, and takes this line, or the
 * next one with it, for broken. What no field can hold (NaN, an infinity, an integer beyond 2^53) is left out and counted.
 */

export type FieldValue =
  | { readonly kind: 'float' | 'integer'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean };

export interface Point {
  readonly measurement: string;
  /** Empty values are left out: a tag has one or is not there. */
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Unix nanoseconds. */
  readonly at: bigint;
}

export type Precision = 'ns' | 'us' | 'ms' | 's';

export interface Encoded {
  /** One, or of fewer fields each where one would be longer than it may; none without a field. */
  readonly lines: readonly string[];
  /** Fields that are not in them. */
  readonly leftOut: number;
}

export interface EncodeOptions {
  readonly precision?: Precision;
  /** Of one line, in UTF-8, without its line break. */
  readonly lineBytesMax?: number;
}

export const float = (value: number): FieldValue => ({ kind: 'float', value });
export const integer = (value: number): FieldValue => ({ kind: 'integer', value });
export const text = (value: string): FieldValue => ({ kind: 'string', value });

const nanosecondsIn: Readonly<Record<Precision, bigint>> = { ns: 1n, us: 1000n, ms: 1_000_000n, s: 1_000_000_000n };

export function encodePoint(point: Point, { precision = 'ns', lineBytesMax = Infinity }: EncodeOptions = {}): Encoded {
  const fields = Object.entries(point.fields).flatMap(([key, value]) => {
    const name = escapeTag(withoutBackslash(key));
    const printed = printValue(value);
    return name === '' || printed === undefined ? [] : [`${name}=${printed}`];
  });
  const all = Object.keys(point.fields).length;
  const head = printHead(point);
  if (head === undefined) return { lines: [], leftOut: all };
  const time = String(floorTo(point.at, nanosecondsIn[precision]));
  const whole = `${head} ${fields.join(',')} ${time}`;
  if (fields.length === 0) return { lines: [], leftOut: all };
  if (lineBytesMax === Infinity || Buffer.byteLength(whole) <= lineBytesMax) {
    return { lines: [whole], leftOut: all - fields.length };
  }
  const room = lineBytesMax - Buffer.byteLength(head) - Buffer.byteLength(time) - 2;
  const groups = grouped(fields, room);
  const kept = groups.reduce((sum, group) => sum + group.length, 0);
  return { lines: groups.map((group) => `${head} ${group.join(',')} ${time}`), leftOut: all - kept };
}

/** As many to a group as there is room for; what is too long alone is in none. */
function grouped(fields: readonly string[], room: number): string[][] {
  const groups: string[][] = [];
  let left = -1;
  for (const field of fields) {
    const bytes = Buffer.byteLength(field);
    if (bytes > room) continue;
    const group = groups.at(-1);
    if (group !== undefined && bytes + 1 <= left) {
      group.push(field);
      left -= bytes + 1;
    } else {
      groups.push([field]);
      left = room - bytes;
    }
  }
  return groups;
}

/** Undefined for a measurement without a name. Tags by name: InfluxDB writes those fastest. */
function printHead({ measurement, tags }: Point): string | undefined {
  const name = oneLine(withoutBackslash(measurement)).replace(/[, ]/g, String.raw`\$&`);
  if (name === '' || name.startsWith('#')) return undefined;
  const printed = Object.entries(tags)
    .map(([key, value]) => [escapeTag(key), escapeTag(value)] as const)
    .filter(([key, value]) => key !== '' && value !== '')
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  return [name, ...printed].join(',');
}

/** Most hold nothing that needs it. */
const escapeTag = (name: string): string =>
  /[,= \\\n\r\t\f\0]/.test(name)
    ? oneLine(name.replace(/\\(?=[,= \\\n\r\t\f\0]|$)/g, '_')).replace(/[,= ]/g, String.raw`\$&`)
    : name;

const breaks: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f', '\0': '\\0' };
const oneLine = (text: string): string => text.replace(/[\n\r\t\f\0]/g, (found) => breaks[found] ?? '');
const withoutBackslash = (name: string): string => name.replaceAll('\\', '_');

function printValue(field: FieldValue): string | undefined {
  switch (field.kind) {
    case 'float':
      return Number.isFinite(field.value) ? String(field.value) : undefined;
    case 'integer':
      return Number.isSafeInteger(field.value) ? `${field.value}i` : undefined;
    case 'boolean':
      return String(field.value);
    case 'string':
      return `"${field.value.replace(/["\\]/g, String.raw`\$&`)}"`;
    default:
      return field satisfies never;
  }
}

/** Division of bigints cuts towards zero; times before 1970 go down too. */
function floorTo(at: bigint, unit: bigint): bigint {
  const cut = at / unit;
  return at < 0n && cut * unit !== at ? cut - 1n : cut;
}
