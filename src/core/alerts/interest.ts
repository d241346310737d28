/** Whose alerts somebody wants: by their labels and, where it matters, by who sent them. */
import type { KnownAlert } from './book.ts';

export interface Interest {
  /** Label → its value, or those of which it must have one; labels that are not named may be anything. */
  readonly match: Readonly<Record<string, string | readonly string[]>>;
  readonly source?: string | undefined;
}

/** The sender without the organisation that it speaks for. */
export const senderOf = (source: string): string => source.split('/')[0] ?? source;

export function fits({ match, source }: Interest, alert: Pick<KnownAlert, 'labels' | 'source'>): boolean {
  if (source !== undefined && source !== senderOf(alert.source)) return false;
  return Object.entries(match).every(([label, wanted]) => {
    const value = Object.hasOwn(alert.labels, label) ? alert.labels[label] : undefined;
    return value !== undefined && (typeof wanted === 'string' ? wanted === value : wanted.includes(value));
  });
}

/** A firing alert of which nobody has told for `silentMs` counts as firing no more: its end may have been lost. */
export function isFiring({ state, heardAt }: KnownAlert, wallMs: number, silentMs: number): boolean {
  return state === 'firing' && wallMs - heardAt <= silentMs;
}
