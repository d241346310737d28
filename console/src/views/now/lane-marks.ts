/** Decisions as marks on a line of time. Pure. */
import type { JournalEntryView } from '../../../../src/api/schemas.ts';

export type Direction = 'up' | 'down' | 'hold';

export interface Mark {
  readonly id: number;
  /** From 0 to the width. */
  readonly x: number;
  readonly direction: Direction;
  readonly moved: boolean;
}

/** By what the journal says in a word or two: `2 → 4`, `advise 4 → 2`, `hold 3`. */
export function directionOf(action: string): Direction {
  const [, from, to] = /(\d+) → (\d+)/.exec(action) ?? [];
  if (from === undefined || to === undefined || from === to) return 'hold';
  return Number(to) > Number(from) ? 'up' : 'down';
}

export function marksOf(
  entries: readonly JournalEntryView[],
  from: number,
  to: number,
  width: number,
): readonly Mark[] {
  return entries
    .filter(({ at }) => at >= from && at <= to)
    .map(({ id, at, action, details }) => ({
      id,
      x: Math.round(((at - from) / (to - from)) * width),
      direction: directionOf(action),
      moved: (details as { readonly done?: { readonly kind?: string } } | undefined)?.done?.kind === 'moved',
    }));
}
