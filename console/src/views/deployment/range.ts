/** Which span of time is looked at: one of a few lengths up to now, or a span that was chosen. Pure. */
import type { Params } from '../../router.ts';

export const lengths = { '15m': 900_000, '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000 } as const;
export type Length = keyof typeof lengths;

export interface Span {
  readonly from: number;
  readonly to: number;
}

export type Range =
  /** Moves with the time. */
  { readonly kind: 'live'; readonly length: Length } | ({ readonly kind: 'fixed' } & Span);

const shortestMs = 10_000;
const longestMs = 31 * 86_400_000;

/** What an address says; whatever makes no sense is the last quarter of an hour. */
export function rangeOf({ range, from, to }: Params): Range {
  const [start, end] = [Number(from), Number(to)];
  if (from !== undefined && to !== undefined && Number.isSafeInteger(start) && Number.isSafeInteger(end)) {
    if (start > 0 && problemOf({ from: start, to: end }) === undefined) return { kind: 'fixed', from: start, to: end };
  }
  return { kind: 'live', length: isLength(range) ? range : '15m' };
}

/** What is expected of a span that can be looked at; undefined: it is one. */
export function problemOf({ from, to }: Span): string | undefined {
  if (to - from < shortestMs) return `expected ${shortestMs / 1000} seconds between the two at least`;
  if (to - from > longestMs) return `expected ${longestMs / 86_400_000} days between the two at most`;
  return undefined;
}

export function isLength(text: string | undefined): text is Length {
  return text !== undefined && Object.hasOwn(lengths, text);
}

export function toQuery(range: Range): Readonly<Record<'range' | 'from' | 'to', string | undefined>> {
  return range.kind === 'live'
    ? { range: range.length === '15m' ? undefined : range.length, from: undefined, to: undefined }
    : { range: undefined, from: String(range.from), to: String(range.to) };
}

export function spanOf(range: Range, now: number): Span {
  return range.kind === 'fixed' ? range : { from: now - lengths[range.length], to: now };
}

/** Half of its length earlier (−1) or later (1); what would end in the future moves with the time again. */
export function moved(range: Range, by: -1 | 1, now: number): Range {
  const { from, to } = spanOf(range, now);
  const half = Math.round((to - from) / 2) * by;
  if (to + half >= now) {
    const length = (Object.keys(lengths) as Length[]).find((each) => Math.abs(lengths[each] - (to - from)) < 2000);
    if (length !== undefined) return { kind: 'live', length };
    return { kind: 'fixed', from: Math.round(now - (to - from)), to: Math.round(now) };
  }
  return { kind: 'fixed', from: Math.round(from + half), to: Math.round(to + half) };
}

/** At most some hundred points, in steps that the series knows. */
export function stepMsFor({ from, to }: Span, pointsMax = 480): number {
  const least = (to - from) / pointsMax;
  const second = 1000;
  const minute = 60_000;
  if (least <= minute / 2) return Math.max(1, Math.ceil(least / second)) * second;
  return Math.ceil(least / minute) * minute;
}
