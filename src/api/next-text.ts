/** What comes next, in words: for the command line and the console, so that both say the same. Pure. */
import type { NextView } from './next-schema.ts';

type Change = NextView & { readonly kind: 'change' };

/** `at`: Unix milliseconds of now, by the platform's clock. */
export function nextText(next: NextView, at: number): string {
  if (next.kind === 'unknown') return `nobody can say: ${next.reason}`;
  if (next.kind === 'change') return `${changeText(next, at)}${next.recommended ? ' would be recommended' : ''}`;
  const within = spanText(next.until - at);
  return next.ends === 'judged'
    ? `nothing, if load stays, until it is judged in ${within} what the last change brought`
    : `nothing in ${within}, if load stays`;
}

/** With what makes it. */
export function nextLine(next: NextView, at: number): string {
  return next.kind === 'change' ? `${nextText(next, at)}; ${next.reason}` : nextText(next, at);
}

/** `in 40 s, if load stays: 6 → 5`. */
export function changeText({ at: then, from, to }: Change, at: number): string {
  return `in ${spanText(then - at)}, if load stays: ${from} → ${to}`;
}

/** `40 s`, `2 min 5 s`: exact enough to be counted down. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}
