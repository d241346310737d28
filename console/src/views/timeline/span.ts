/**
 * What of time is looked at, as the address has it: a window, which moves with the time unless it is held, and in it
 * perhaps a slice (the brush), of which the list below tells. Pure.
 */
import type { Params } from '../../router.ts';
import { isLength, lengths, type Length, type Span } from '../deployment/range.ts';

export interface Looked {
  readonly length: Length;
  readonly window: Span;
  /** What was chosen of it. */
  readonly brush: Span | undefined;
  /** Its end is now. */
  readonly moves: boolean;
}

export const shortestMs = 1000;
const longestMs = 366 * 86_400_000;
const defaultLength: Length = '1h';

function spanFrom(from: string | undefined, to: string | undefined): Span | undefined {
  const [start, end] = [Number(from), Number(to)];
  if (from === undefined || to === undefined || !Number.isSafeInteger(start) || !Number.isSafeInteger(end))
    return undefined;
  const isSpan = start > 0 && end - start >= shortestMs && end - start <= longestMs;
  return isSpan ? { from: start, to: end } : undefined;
}

/** `from` and `to` are the slice, `until` holds the window's end, `range` is its length; nonsense counts as absent. */
export function lookedAt({ range, from, to, until }: Params, now: number): Looked {
  const length = isLength(range) ? range : defaultLength;
  const ms = lengths[length];
  const brush = spanFrom(from, to);
  const held = until === undefined ? Number.NaN : Number(until);
  const isHeld = Number.isSafeInteger(held) && held > 0;
  const window = isHeld ? { from: held - ms, to: held } : { from: now - ms, to: now };
  if (brush === undefined) return { length, window, brush, moves: !isHeld };
  if (brush.from >= window.from && brush.to <= window.to) return { length, window, brush, moves: false };
  return { length, window: around(brush, ms, now), brush, moves: false };
}

/** The slice in the middle, with something on both sides; what has not happened yet is not shown. */
function around(brush: Span, ms: number, now: number): Span {
  const wide = Math.max(ms, (brush.to - brush.from) * 1.5);
  const end = Math.min((brush.from + brush.to + wide) / 2, Math.max(now, brush.to));
  return { from: Math.round(end - wide), to: Math.round(end) };
}

type Query = Readonly<Record<'range' | 'from' | 'to' | 'until', string | undefined>>;

/** The window is held, so that it does not run away under what was chosen. */
export function chosen(brush: Span, { window, length }: Looked): Query {
  const [from, to] = [Math.round(brush.from), Math.round(brush.to)];
  const isWithin = from >= window.from && to <= window.to;
  const range = length === defaultLength ? undefined : length;
  return { range, from: String(from), to: String(to), until: isWithin ? String(Math.round(window.to)) : undefined };
}

export function lastOf(length: Length): Query {
  return { range: length === defaultLength ? undefined : length, from: undefined, to: undefined, until: undefined };
}

/** Between two moments of the window, whichever was first; undefined: too short to be meant. */
export function brushed(one: number, other: number, { from, to }: Span): Span | undefined {
  const within = (at: number): number => Math.round(Math.min(Math.max(at, from), to));
  const [start, end] = [within(Math.min(one, other)), within(Math.max(one, other))];
  return end - start < shortestMs ? undefined : { from: start, to: end };
}

/** Steps of the cursor: as many as there are of them in a window. */
const steps = 120;
export const stepOf = ({ from, to }: Span): number => (to - from) / steps;

/** Where a key takes the cursor; undefined: it is not a key of the cursor. */
export function cursorAfter(key: string, at: number | undefined, window: Span): number | undefined {
  const step = stepOf(window);
  const here = at ?? window.to;
  const to = {
    ArrowLeft: here - step,
    ArrowRight: here + step,
    PageUp: here - step * 10,
    PageDown: here + step * 10,
    Home: window.from,
    End: window.to,
  }[key];
  return to === undefined ? undefined : Math.min(Math.max(to, window.from), window.to);
}
