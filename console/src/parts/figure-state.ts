/** What a figure may be believed, from its value and its age. Pure: absent is never zero, and old is never new. */
import { words, type Unit } from '../format/quantity.ts';
import { moment, span, type Zone } from '../format/time.ts';

export type FigureState = 'fresh' | 'stale' | 'absent' | 'contradictory';

export interface Reading {
  /** Null: nothing is known. */
  readonly value: number | null | undefined;
  readonly unit: Unit;
  /** When it was measured, by the platform's clock; absent: now. */
  readonly at?: number | undefined;
  /** What another source says of the same thing. */
  readonly other?: number | undefined;
  /** What its source says of it, where it does. */
  readonly state?: FigureState | undefined;
  /** Where it comes from, in words: the status, gateway, series. */
  readonly source?: string | undefined;
  /** Nothing newer for so long makes it old. */
  readonly staleAfterMs?: number | undefined;
}

/** Gateways report every second, the status comes as often. */
const staleMs = 10_000;

export function stateOf({ value, at, other, state, staleAfterMs = staleMs }: Reading, now: number): FigureState {
  if (value == null || !Number.isFinite(value)) return 'absent';
  if (state !== undefined && state !== 'fresh') return state;
  if (other !== undefined && other !== value) return 'contradictory';
  return at !== undefined && now - at > staleAfterMs ? 'stale' : 'fresh';
}

/** For the card, and for those who hear rather than see: lines from the most to the least important. */
export function explain(reading: Reading, full: string | undefined, now: number, zone: Zone): readonly string[] {
  const { value, unit, at, other, source } = reading;
  const state = stateOf(reading, now);
  const lines: string[] = [];
  switch (state) {
    case 'absent':
      lines.push('No data: nothing has been measured, which is not the same as zero.');
      break;
    case 'contradictory':
      lines.push(`Two sources disagree: ${words(value, unit)} and ${words(other, unit)}.`);
      break;
    case 'stale':
      lines.push(`Old: nothing newer has come${at === undefined ? '' : ` for ${span(now - at)}`}.`);
      break;
    case 'fresh':
      if (full !== undefined) lines.push(`${full}.`);
      break;
  }
  if (at !== undefined) lines.push(`Measured ${moment(at, zone, now)}, ${span(Math.max(0, now - at))} ago.`);
  if (source !== undefined) lines.push(`From ${source}.`);
  return lines;
}
