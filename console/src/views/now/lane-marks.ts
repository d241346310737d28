/** Decisions as marks on a line of time. Pure. */
import type { JournalEntryView } from '../../../../src/api/schemas.ts';

export type Direction = 'up' | 'down' | 'hold';

export interface Mark {
  readonly id: number;
  /** Of the span, from 0 to 1. */
  readonly share: number;
  readonly direction: Direction;
  readonly moved: boolean;
}

/** By what the journal says in a word or two: `2 → 4`, `advise 4 → 2`, `hold 3`. */
export function directionOf(action: string): Direction {
  const [, from, to] = /(\d+) → (\d+)/.exec(action) ?? [];
  if (from === undefined || to === undefined || from === to) return 'hold';
  return Number(to) > Number(from) ? 'up' : 'down';
}

/** Decisions of the span; what came of an earlier one is none. */
export function marksOf(entries: readonly JournalEntryView[], from: number, to: number): readonly Mark[] {
  return entries
    .filter(({ at, action }) => at >= from && at <= to && /→|^hold /.test(action))
    .map(({ id, at, action, details }) => ({
      id,
      share: (at - from) / (to - from),
      direction: directionOf(action),
      moved: (details as { readonly done?: { readonly kind?: string } } | undefined)?.done?.kind === 'moved',
    }));
}
