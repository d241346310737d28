/**
 * Moments and spans. A moment is shown in the one zone that the bar names, and never without it: three consoles of
 * others mixed zones, and people compared times that were hours apart. Pure: the zone is an argument.
 */

/** An IANA name: `UTC`, or what the browser says of itself. */
export type Zone = string;

export type Precision = 'second' | 'minute' | 'date';

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(key: string, make: () => Intl.DateTimeFormat): Intl.DateTimeFormat {
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = make();
  formats.set(key, made);
  return made;
}

function parts(at: number, zone: Zone): Readonly<Record<string, string>> {
  const format = formatOf(
    `parts ${zone}`,
    () =>
      new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
        hourCycle: 'h23',
      }),
  );
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

/** `UTC`, `GMT+2`: at that moment, since summer time changes it. */
export function zoneName(at: number, zone: Zone): string {
  if (zone === 'UTC') return 'UTC';
  const format = formatOf(
    `name ${zone}`,
    () => new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'shortOffset' }),
  );
  return format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? zone;
}

/** Without the zone, for the columns and axes whose heading has it. */
export function clock(at: number, zone: Zone, precision: Precision = 'second'): string {
  const { year, month, day, hour, minute, second } = parts(at, zone);
  if (precision === 'date') return `${year}-${month}-${day}`;
  return precision === 'minute' ? `${hour}:${minute}` : `${hour}:${minute}:${second}`;
}

/** `14:05:07 UTC`; of another day with its date. */
export function moment(at: number, zone: Zone, now: number): string {
  const day = clock(at, zone, 'date');
  const date = day === clock(now, zone, 'date') ? '' : `${day} `;
  return `${date}${clock(at, zone)} ${zoneName(at, zone)}`;
}

/** `2026-11-29T14:05:07.123+02:00`, for exports and machine-readable attributes. */
export function isoWithOffset(at: number, zone: Zone): string {
  const { year, month, day, hour, minute, second } = parts(at, zone);
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const ms = ((at % 1000) + 1000) % 1000;
  const offset = Math.round((local - (at - ms)) / 60_000);
  const sign = offset < 0 ? '-' : '+';
  const pad = (value: number, width = 2): string => String(Math.floor(value)).padStart(width, '0');
  const suffix = offset === 0 ? 'Z' : `${sign}${pad(Math.abs(offset) / 60)}:${pad(Math.abs(offset) % 60)}`;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${pad(ms, 3)}${suffix}`;
}

const spans: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** `21 s`, `2 min`, `3 h`: how long something took or is ago, in one unit. */
export function span(ms: number): string {
  if (ms < 1000) return ms < 0 ? '0 s' : `${Math.floor(ms / 100) / 10} s`;
  const [per, unit] = spans.find(([size]) => ms >= size) ?? [1000, 's'];
  return `${Math.floor(ms / per)} ${unit}`;
}

/** Only beside an absolute moment. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  // Clocks of two machines differ by a little: that is now.
  return ms < 1000 ? 'now' : `${span(ms)} ago`;
}
