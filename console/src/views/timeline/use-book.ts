/** A book of the journal for as long as its slice is looked at; drawn again when pages come. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { caller } from '../../api/caller.ts';
import { ask, type ApiFailure } from '../../api/client.ts';
import { toFailure } from '../../live/resource.ts';
import { journal, resyncs } from '../../live/store.ts';
import { openBook, type Book, type Filter } from './book.ts';

export interface Reading {
  readonly book: Book | undefined;
  readonly failure: ApiFailure | undefined;
  readonly again: () => void;
  /** What was told since is put among the rows. */
  readonly take: () => void;
}

/** `key` names the slice: another one is another book. */
export function useBook(key: string, filter: () => Filter): Reading {
  const [turn, setTurn] = useState(0);
  const [, draw] = useState(0);
  const [failure, setFailure] = useState<ApiFailure | undefined>();
  const held = useRef<{ readonly key: string; readonly book: Book } | undefined>(undefined);
  const whole = `${key} ${turn} ${resyncs.value}`;
  useEffect(() => {
    const own = new AbortController();
    const changed = (): void => draw((before) => before + 1);
    setFailure(undefined);
    const book = openBook({
      ask: (query, signal) => ask<JournalEntryView[]>('/journal', { query, signal }),
      filter: filter(),
      seesAll: caller.peek()?.deployments === undefined,
      signal: own.signal,
      changed,
      failed: (error) => setFailure(toFailure(error)),
    });
    held.current = { key: whole, book };
    changed();
    return () => own.abort();
    // `filter` is what `key` names.
  }, [whole]);
  const book = held.current?.key === whole ? held.current.book : undefined;
  book?.tell(journal.value);
  return {
    book,
    failure,
    again: () => setTurn((before) => before + 1),
    take: () => {
      book?.take();
      draw((before) => before + 1);
    },
  };
}
