/**
 * The newest entries of the journal, held for whoever watches: those who come back within them go on where they were.
 * Pure. Invariant: numbers follow one another without a gap, up to `last`.
 */
import type { JournalEntry } from '../../journal/entry.ts';
import { journalFrame } from './frames.ts';

export interface HeldEntry {
  readonly id: number;
  readonly subject: string;
  readonly frame: string;
}

export interface JournalWindow {
  readonly entries: readonly HeldEntry[];
  /** Number of the last entry that was ever taken; 0 before the first. */
  readonly last: number;
}

export interface WindowLimits {
  readonly entriesMax: number;
  readonly charactersMax: number;
}

export const emptyWindow: JournalWindow = { entries: [], last: 0 };

/** A client that has everything up to here misses nothing. */
export function heldAfter({ entries, last }: JournalWindow): number {
  return (entries[0]?.id ?? last + 1) - 1;
}

/** `more` in the order of their numbers; what is there already is passed over, and a gap makes what was before it go. */
export function extend(window: JournalWindow, more: readonly JournalEntry[], limits: WindowLimits): JournalWindow {
  let { last } = window;
  const entries = [...window.entries];
  for (const entry of more) {
    if (entry.id <= last) continue;
    if (entry.id !== last + 1) entries.length = 0;
    entries.push({ id: entry.id, subject: entry.subject, frame: journalFrame(entry) });
    last = entry.id;
  }
  let characters = entries.reduce((sum, { frame }) => sum + frame.length, 0);
  let gone = 0;
  while (gone < entries.length && (entries.length - gone > limits.entriesMax || characters > limits.charactersMax)) {
    characters -= entries[gone]?.frame.length ?? 0;
    gone += 1;
  }
  return { entries: entries.slice(gone), last };
}

/** Those after `cursor`, which must be held. */
export function entriesAfter({ entries, last }: JournalWindow, cursor: number): readonly HeldEntry[] {
  return entries.slice(Math.max(0, entries.length - (last - cursor)));
}
