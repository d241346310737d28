/**
 * Recorded traffic from text, in three forms that the heading tells apart:
 *
 *   second,a,b…      requests a second, one column a service; `column` says which
 *   minute,requests  requests in each minute, under whatever name the second column has
 *   TIMESTAMP,…      one line a request, as `2023-11-16 18:15:46.6805900` (UTC) or as seconds
 *
 * What does not fit is an error that names the line and what was expected there: a trace that was read wrong rehearses
 * nothing. Slots that are missing, or have no value, are one too, unless the caller says what they mean.
 */
import { nominalStartMs, withoutHoles, type Traffic } from './traffic.ts';

/** What a slot without a value is: a mistake, time in which nobody measured, or time in which nobody came. */
export type Gaps = 'refuse' | 'telemetry' | 'silence';

export interface ReadOptions {
  readonly column?: string | undefined;
  readonly gaps?: Gaps;
}

/** Line numbers begin at 1 and count the heading. */
export class TraceError extends Error {
  override readonly name = 'TraceError';

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
  }
}

/** A hundred days of seconds, or as many requests. */
const slotsMax = 8_640_000;
const timesMax = 50_000_000;
/** Slots in which recorded requests are counted. */
const countedSlotMs = 1000;

export function readTrace(name: string, text: string, options: ReadOptions = {}): Traffic {
  const lines = text.split(/\r\n|\n|\r/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const heading = (lines[0] ?? '').split(',').map((field) => field.trim());
  const [first = ''] = heading;
  if (/^seconds?$/i.test(first)) return slots(name, lines, heading, 'second', options);
  if (/^minutes?$/i.test(first)) return slots(name, lines, heading, 'minute', options);
  if (/^(timestamp|time|arrived)$/i.test(first)) return requests(name, lines, options);
  throw new TraceError(
    1,
    `expected a heading that begins with second, minute or TIMESTAMP, got ${quoted(lines[0] ?? '')}`,
  );
}

const quoted = (line: string): string => JSON.stringify(line.length <= 60 ? line : `${line.slice(0, 57)}...`);

function columnOf(heading: readonly string[], wanted: string | undefined): number {
  const names = heading.slice(1);
  if (wanted === undefined) {
    if (names.length === 1) return 1;
    throw new TraceError(1, `it has ${names.length} columns, name one of them: ${names.join(', ')}`);
  }
  const index = names.indexOf(wanted);
  if (index === -1) throw new TraceError(1, `it has no column ${wanted}, expected one of ${names.join(', ')}`);
  return index + 1;
}

function slots(
  name: string,
  lines: readonly string[],
  heading: readonly string[],
  unit: 'second' | 'minute',
  { column, gaps = 'refuse' }: ReadOptions,
): Traffic {
  const place = columnOf(heading, column);
  const label = heading[place] ?? '';
  const slotMs = unit === 'second' ? 1000 : 60_000;
  const counts: number[] = [];
  const missing = gaps === 'silence' ? 0 : Number.NaN;
  let base: number | undefined;
  for (let index = 1; index < lines.length; index += 1) {
    const line = lines[index] as string;
    const fields = line.split(',');
    const slot = numberOf(fields[0]);
    const valueText = fields[place]?.trim();
    const value = valueText === '' ? Number.NaN : numberOf(valueText);
    if (slot === undefined || !Number.isInteger(slot) || fields.length !== heading.length || value === undefined)
      throw new TraceError(index + 1, `expected \`${heading.join(',')}\` in numbers, got ${quoted(line)}`);
    if (value < 0) throw new TraceError(index + 1, `expected at least 0 under ${label}, got ${value}`);
    base ??= slot;
    const expected = base + counts.length;
    if (slot < expected) throw new TraceError(index + 1, `expected ${unit} ${expected}, got ${slot}: it goes back`);
    if (gaps === 'refuse' && (slot > expected || Number.isNaN(value))) {
      const what = slot > expected ? `expected ${unit} ${expected}, got ${slot}` : `expected a value under ${label}`;
      throw new TraceError(
        index + 1,
        `${what}: say whether what is missing was not measured (telemetry) or was silence`,
      );
    }
    if (slot - base >= slotsMax) throw new TraceError(index + 1, `a trace has at most ${slotsMax} ${unit}s`);
    while (counts.length < slot - base) counts.push(missing);
    counts.push(Number.isNaN(value) ? missing : unit === 'second' ? (value * slotMs) / 1000 : value);
  }
  if (counts.length === 0) throw new TraceError(2, `expected \`${heading.join(',')}\` in numbers, got the end`);
  const recorded = Float64Array.from(counts);
  const named = heading.length > 2 ? `${name}#${label}` : name;
  return { name: named, slotMs, counts: recorded, loads: withoutHoles(recorded), startWallMs: nominalStartMs };
}

function numberOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed)) return undefined;
  return Number(trimmed);
}

function requests(name: string, lines: readonly string[], { column }: ReadOptions): Traffic {
  if (column !== undefined)
    throw new TraceError(1, `it has a line a request and no column of rates, so there is no column ${column} to take`);
  if (lines.length - 1 > timesMax) throw new TraceError(timesMax + 2, `a trace has at most ${timesMax} requests`);
  const times = new Float64Array(lines.length - 1);
  let start: number | undefined;
  let before = 0;
  for (let index = 1; index < lines.length; index += 1) {
    const line = lines[index] as string;
    const [field = ''] = line.split(',', 1);
    const at = timeOf(field.trim());
    if (at === undefined)
      throw new TraceError(index + 1, `expected a time such as 2023-11-16 18:15:46.6805900, got ${quoted(line)}`);
    start ??= at;
    if (at - start < before) throw new TraceError(index + 1, `${field.trim()} is before the line above it`);
    before = at - start;
    times[index - 1] = before;
  }
  if (start === undefined) throw new TraceError(2, 'expected a line a request, got the end');
  const length = Math.floor(before / countedSlotMs) + 1;
  if (length > slotsMax) throw new TraceError(lines.length, `a trace lasts at most ${slotsMax} seconds`);
  const counts = new Float64Array(length);
  for (const time of times) {
    const slot = Math.floor(time / countedSlotMs);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  // Seconds since some start of their own are no date.
  const startWallMs = start > Date.UTC(2000, 0, 1) ? Math.floor(start) : nominalStartMs;
  return { name, slotMs: countedSlotMs, counts, loads: counts, times, startWallMs };
}

/** Milliseconds. Dates are taken apart by hand: seven digits after the second are one more than `Date` promises. */
function timeOf(text: string): number | undefined {
  const seconds = numberOf(text);
  if (seconds !== undefined) return seconds >= 0 ? seconds * 1000 : undefined;
  const match = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d+)?(?:Z|\+00:00)?$/.exec(text);
  if (match === null) return undefined;
  const whole = Date.parse(`${match[1]}T${match[2]}Z`);
  return Number.isNaN(whole) ? undefined : whole + Number(match[3] ?? 0) * 1000;
}
