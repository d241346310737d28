/** What a page knows from the stream, as a value: events in, the next state out. Pure. */
import type { JournalEntryView, StatusView } from '../../../src/api/schemas.ts';

export interface Hello {
  readonly version: string;
  readonly api: number;
  readonly seq: number;
  /** The server's clock, by which ages are told. */
  readonly now: number;
}

export type LiveEvent =
  | { readonly kind: 'hello'; readonly hello: Hello; readonly at: number }
  | { readonly kind: 'status'; readonly status: StatusView; readonly at: number }
  | { readonly kind: 'journal'; readonly entry: JournalEntryView; readonly at: number }
  | { readonly kind: 'resync'; readonly at: number };

export interface Known {
  readonly hello?: Hello | undefined;
  readonly status?: StatusView | undefined;
  /** By the page's clock: when the newest status came. */
  readonly statusAt?: number | undefined;
  /** The newest of the journal that the stream has told of, oldest first, at most `entriesMax`. */
  readonly journal: readonly JournalEntryView[];
  /** Number of the newest entry that was seen. */
  readonly seq: number;
  /** Server's clock minus the page's, milliseconds. */
  readonly skewMs: number;
  /** Counts how often everything must be asked for again. */
  readonly resyncs: number;
}

export const nothing: Known = { journal: [], seq: 0, skewMs: 0, resyncs: 0 };

/** More is read from the API, page by page. */
export const entriesMax = 500;

export function reduce(known: Known, event: LiveEvent): Known {
  switch (event.kind) {
    case 'hello': {
      const { hello, at } = event;
      // A journal whose numbers begin anew is another platform's.
      const isOther = hello.seq < known.seq;
      const base = isOther ? { ...known, journal: [], resyncs: known.resyncs + 1 } : known;
      return { ...base, hello, skewMs: hello.now - at, seq: isOther || known.seq === 0 ? hello.seq : known.seq };
    }
    case 'status':
      return { ...known, status: event.status, statusAt: event.at };
    case 'journal': {
      const { entry } = event;
      // The same entry comes twice where a stream is taken up again.
      if (known.journal.some(({ id }) => id === entry.id)) return known;
      const journal = [...known.journal, entry].sort((a, b) => a.id - b.id).slice(-entriesMax);
      return { ...known, journal, seq: Math.max(known.seq, entry.id) };
    }
    case 'resync':
      return { ...known, journal: [], resyncs: known.resyncs + 1 };
  }
}

/** Why the page must be loaded anew, in words; undefined: it fits. */
export function misfit(hello: Hello | undefined, built: string): string | undefined {
  if (hello === undefined) return undefined;
  if (hello.api !== 1) return `This page speaks version 1 of the API, the platform version ${hello.api}.`;
  if (hello.version !== built) return `This page is of Flyball ${built}, the platform of ${hello.version}.`;
  return undefined;
}
