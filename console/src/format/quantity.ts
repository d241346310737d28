/**
 * Numbers as people read them: a value with its unit, at most three significant digits, and the whole of it for whoever
 * asks. Every figure of the console goes through here, so that one thing is never shown in two ways. Pure.
 */

export type Unit =
  | 'ms'
  | 'req/s'
  | 'requests'
  | 'replicas'
  | 'rows'
  | 'bytes'
  | 'share'
  | 'times'
  | 'replica-hours'
  | 'count'
  | { readonly currency: string };

export interface Quantity {
  readonly number: string;
  /** To be printed after the number; empty where the number says it all. */
  readonly unit: string;
  /** Nothing rounded away that a person could want. */
  readonly full: string;
}

const significant = 3;

/** `1240` → `1,240`; what is whole stays whole. */
function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const withCommas = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? withCommas : `${withCommas}.${fraction}`;
}

/** Three significant digits, without an exponent and without zeros that say nothing. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.max(0, significant - 1 - magnitude);
  if (decimals > 6) return value < 0 ? '> −0.000001' : '< 0.000001';
  const scale = 10 ** (magnitude - significant + 1);
  const rounded = magnitude >= significant ? Math.round(value / scale) * scale : value;
  const text = rounded.toFixed(decimals);
  const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return grouped(trimmed).replace('-', '−');
}

interface Step {
  readonly from: number;
  readonly per: number;
  readonly unit: string;
}

/** The largest unit in which the number is at least one. */
function scaled(value: number, steps: readonly Step[]): { readonly number: string; readonly unit: string } {
  const size = Math.abs(value);
  const last = steps[steps.length - 1] as Step;
  // Rounded first: 999.9 ms is one second and not 1,000 ms.
  const rounded = Number(size.toPrecision(significant));
  const { per, unit } = steps.find(({ from }) => rounded >= from) ?? last;
  return { number: digits(value / per), unit };
}

const durations: readonly Step[] = [
  { from: 172_800_000, per: 86_400_000, unit: 'd' },
  { from: 7_200_000, per: 3_600_000, unit: 'h' },
  { from: 120_000, per: 60_000, unit: 'min' },
  { from: 1000, per: 1000, unit: 's' },
  { from: 0, per: 1, unit: 'ms' },
];
const bytes: readonly Step[] = [
  { from: 2 ** 40, per: 2 ** 40, unit: 'TiB' },
  { from: 2 ** 30, per: 2 ** 30, unit: 'GiB' },
  { from: 2 ** 20, per: 2 ** 20, unit: 'MiB' },
  { from: 2 ** 10, per: 2 ** 10, unit: 'KiB' },
  { from: 0, per: 1, unit: 'B' },
];
const thousands: readonly Step[] = [
  { from: 1e9, per: 1e9, unit: 'G' },
  { from: 1e6, per: 1e6, unit: 'M' },
  { from: 10_000, per: 1000, unit: 'k' },
  { from: 0, per: 1, unit: '' },
];

const spelled = (value: number): string => grouped(String(Number(value.toPrecision(12)))).replace('-', '−');

/** A count of things is exact until it is too long to be read at a glance. */
function counted(value: number): { readonly number: string; readonly unit: string } {
  return Number.isInteger(value) && Math.abs(value) < 10_000
    ? { number: spelled(value), unit: '' }
    : scaled(value, thousands);
}

export function quantity(value: number, unit: Unit): Quantity {
  if (typeof unit === 'object') {
    const full = `${spelled(value)} ${unit.currency}`.trim();
    return { number: Math.abs(value) >= 1000 ? digits(value) : value.toFixed(2), unit: unit.currency, full };
  }
  switch (unit) {
    case 'ms':
      return { ...scaled(value, durations), full: `${spelled(value)} ms` };
    case 'bytes':
      return { ...scaled(value, bytes), full: `${spelled(value)} bytes` };
    case 'share':
      return { number: digits(value * 100), unit: '%', full: `${spelled(value * 100)} %` };
    case 'times':
      return { number: digits(value), unit: '×', full: `${spelled(value)} times` };
    case 'req/s': {
      const { number, unit: prefix } = scaled(value, thousands);
      return { number, unit: `${prefix === '' ? '' : `${prefix} `}req/s`, full: `${spelled(value)} requests a second` };
    }
    case 'replica-hours':
      return { number: digits(value), unit: 'replica-h', full: `${spelled(value)} replica-hours` };
    case 'requests':
    case 'replicas':
    case 'rows':
      return { ...counted(value), full: `${spelled(value)} ${value === 1 ? unit.slice(0, -1) : unit}` };
    case 'count':
      return { ...counted(value), full: spelled(value) };
  }
}

/** In one string, for text, labels and tables. */
export function words(value: number | null | undefined, unit: Unit): string {
  if (value == null || !Number.isFinite(value)) return 'no data';
  const { number, unit: suffix } = quantity(value, unit);
  return suffix === '' ? number : `${number} ${suffix}`;
}

/** The unit that an axis or a heading names, when its numbers come without. */
export function unitName(unit: Unit): string {
  if (typeof unit === 'object') return unit.currency;
  switch (unit) {
    case 'share':
      return '%';
    case 'times':
      return '×';
    case 'count':
      return '';
    case 'ms':
    case 'req/s':
    case 'requests':
    case 'replicas':
    case 'rows':
    case 'bytes':
    case 'replica-hours':
      return unit;
  }
}
