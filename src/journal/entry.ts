/**
 * What the journal holds: every decision, action, mode change and act of a person, one entry each, chained by hashes so
 * that nobody can change or remove one without its being seen. The hash is over the canonical JSON of everything else
 * in the entry, with the hash of the one before in it.
 * Invariant: ids grow by one; `before` of an entry is `hash` of the one with the id below.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../config/canonical-json.ts';

/**
 * `change`: somebody asked for something; `upkeep`: control did it by itself to hold what is wanted; `replica`: what
 * became of one; `decision`: the governor; `mode`, `halt`, `approval`: who may move targets; `alert`: what came by
 * webhook and what playbooks made of it; `condition`: what lasts and was noticed (a budget that burns, data that is lost),
 * as it begins and ends; `journal`: about itself.
 */
export const journalKinds = [
  'change',
  'upkeep',
  'replica',
  'decision',
  'mode',
  'halt',
  'approval',
  'alert',
  'condition',
  'journal',
] as const;
export type JournalKind = (typeof journalKinds)[number];

/** What is said about something that happened; the journal adds number, time and chain. */
export interface JournalNote {
  readonly kind: JournalKind;
  /** In a word or two: `scale`, `start 2`, `4 → 6`. */
  readonly action: string;
  /** The deployment it is about; else a model, a key, the platform. */
  readonly subject: string;
  /** A person or service by name, or `upkeep`, `governor`. */
  readonly by: string;
  readonly reason: string;
  /** Plain JSON: what is needed to understand or repeat it. */
  readonly details?: unknown;
}

export interface JournalEntry extends JournalNote {
  readonly id: number;
  /** Unix milliseconds. */
  readonly at: number;
  /** Hash of the entry before; zeros for the first of all. */
  readonly before: string;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

/** Where a chain has got to: the last entry that was written, or the last that was removed. */
export interface JournalMark {
  readonly id: number;
  readonly hash: string;
}

/** What is left of entries that were removed because they had grown old: the chain goes on from it. */
export interface JournalCheckpoint extends JournalMark {
  /** Of the last removed entry, and of the removal; Unix milliseconds. */
  readonly lastAt: number;
  readonly at: number;
  /** The setting by which they went, in words. */
  readonly retention: string;
}

export const journalStart: JournalMark = { id: 0, hash: '0'.repeat(64) };

export function hashOf(entry: Omit<JournalEntry, 'hash'>): string {
  return createHash('sha256').update(canonicalJson(entry)).digest('hex');
}

/** The notes as the entries that follow `head`. */
export function chained(head: JournalMark, notes: readonly (JournalNote & { readonly at: number })[]): JournalEntry[] {
  let { id, hash: before } = head;
  return notes.map((note) => {
    id += 1;
    // As it will be read again: whatever JSON leaves out must not be in the hash.
    const plain = JSON.parse(JSON.stringify({ ...note, id, before })) as Omit<JournalEntry, 'hash'>;
    const hash = hashOf(plain);
    before = hash;
    return { ...plain, hash };
  });
}
