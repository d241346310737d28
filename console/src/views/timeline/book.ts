/**
 * A slice of the journal as rows, the newest first, of which only pages that are looked at are fetched and only some are
 * kept: a million entries cost no more than a thousand.
 *
 * Where every entry is asked for, rows are numbers: they have no gaps, so any page can be asked for by itself, and the
 * end is a scroll away. Where a filter leaves some out, nobody knows how many there are: pages are asked for one after
 * the other, each from where the one before it ended, and those that were dropped are asked for again by that.
 * Invariant: at most `pagesMax` pages are held, whatever is scrolled through.
 */
import type { JournalEntryView } from '../../../../src/api/schemas.ts';

export const pageLength = 100;
export const pagesMax = 30;
const atOnceMax = 4;

export interface Filter {
  readonly subject?: string | undefined;
  readonly kind?: string | undefined;
  /** Unix milliseconds. */
  readonly since: number;
  /** Absent: what comes belongs to it too. */
  readonly until?: number | undefined;
}

export type AskJournal = (
  query: Readonly<Record<string, string | number | undefined>>,
  signal: AbortSignal,
) => Promise<readonly JournalEntryView[]>;

export interface Book {
  /** Rows that are known of; without a filter all of them. */
  readonly count: number;
  /** Whether there may be more after the last row. */
  readonly isOpenEnded: boolean;
  readonly isStarted: boolean;
  /** Told by the stream since, and not yet among the rows. */
  readonly pending: number;
  readonly pagesHeld: number;
  /** Undefined: it is not here yet. */
  row(index: number): JournalEntryView | undefined;
  /** Asks for what is missing of these rows. */
  want(first: number, end: number): void;
  /** What the stream has told, oldest first. */
  tell(entries: readonly JournalEntryView[]): void;
  /** Puts what was told among the rows. */
  take(): void;
  /** All that is held, the newest first. */
  held(): readonly JournalEntryView[];
  /** Asks for pages after those that are held without a gap; false: there are none, or no more are kept. */
  older(pages: number): boolean;
}

interface BookParts {
  readonly ask: AskJournal;
  readonly filter: Filter;
  /** Whoever looks may see every entry. */
  readonly seesAll: boolean;
  readonly signal: AbortSignal;
  readonly changed: () => void;
  readonly failed: (error: unknown) => void;
}

interface Page {
  readonly entries: readonly JournalEntryView[];
  /** The newest number that there was when it was asked for. */
  readonly asOf: number;
}

export function fits({ subject, kind, since, until = Infinity }: Filter, entry: JournalEntryView): boolean {
  if (entry.at < since || entry.at > until) return false;
  return (subject ?? entry.subject) === entry.subject && (kind ?? entry.kind) === entry.kind;
}

export function openBook({ ask, filter, seesAll, signal, changed, failed }: BookParts): Book {
  const { subject, kind, since, until } = filter;
  const isDense = seesAll && subject === undefined && kind === undefined;
  const pages = new Map<number, Page>();
  const asked = new Set<number>();
  /** Of the sparse: where each page begins, and how many rows all have. */
  const starts: (number | undefined)[] = [undefined];
  let known = 0;
  let isEnded = false;
  /** Of the dense. */
  let first = 1;
  /** The newest number among the rows, and the newest that was told. */
  let last = 0;
  let told: readonly JournalEntryView[] = [];
  let taken: readonly JournalEntryView[] = [];
  let isStarted = false;

  const blockOf = (id: number): number => Math.floor(id / pageLength);

  /** In the order of use; the one that was used longest ago goes first. */
  function keep(number: number, page: Page): void {
    pages.delete(number);
    pages.set(number, page);
    for (const oldest of pages.keys()) {
      if (pages.size <= pagesMax) break;
      pages.delete(oldest);
    }
  }

  function fetchPage(number: number): void {
    if (asked.has(number) || asked.size >= atOnceMax) return;
    asked.add(number);
    const asOf = last;
    const query = isDense
      ? { after: Math.max(0, number * pageLength - 1), limit: pageLength }
      : { subject, kind, since, until, before: starts[number], order: 'newest', limit: pageLength };
    void ask(query, signal)
      .then((found) => receive(number, found, asOf))
      .catch((error: unknown) => {
        asked.delete(number);
        if (!signal.aborted) failed(error);
      });
  }

  function receive(number: number, found: readonly JournalEntryView[], asOf: number): void {
    if (signal.aborted) return;
    // What is wanted next may be asked for at once.
    asked.delete(number);
    const entries = isDense ? found.filter(({ id }) => blockOf(id) === number).toReversed() : found;
    keep(number, { entries, asOf });
    if (!isDense && number === starts.length - 1) {
      known += entries.length;
      if (number === 0) last = Math.max(last, entries[0]?.id ?? 0);
      if (entries.length < pageLength) isEnded = true;
      else starts.push(entries.at(-1)?.id);
    }
    isStarted = true;
    changed();
  }

  async function start(): Promise<void> {
    if (!isDense) {
      fetchPage(0);
      return;
    }
    try {
      const [[newest], [oldest]] = await Promise.all([
        ask({ since, until, order: 'newest', limit: 1 }, signal),
        ask({ since, until, order: 'oldest', limit: 1 }, signal),
      ]);
      if (signal.aborted) return;
      last = Math.max(last, newest?.id ?? 0);
      first = oldest?.id ?? last + 1;
      isStarted = true;
      changed();
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  }

  function isMissing(id: number): boolean {
    const block = blockOf(id);
    const page = pages.get(block);
    if (page?.entries.some((entry) => entry.id === id) === true) return false;
    if (taken.some((entry) => entry.id === id)) return false;
    // One that was asked for and did not come is no longer kept.
    return page === undefined || page.asOf < id;
  }

  const book: Book = {
    get count() {
      return isDense ? Math.max(0, last - first + 1) : taken.length + known;
    },
    get isOpenEnded() {
      return !isDense && isStarted && !isEnded;
    },
    get isStarted() {
      return isStarted;
    },
    get pending() {
      return told.filter(({ id }) => id > last).length;
    },
    get pagesHeld() {
      return pages.size;
    },
    row(index) {
      if (isDense) {
        const id = last - index;
        return (
          pages.get(blockOf(id))?.entries.find((entry) => entry.id === id) ?? taken.find((entry) => entry.id === id)
        );
      }
      if (index < taken.length) return taken[taken.length - 1 - index];
      const at = index - taken.length;
      return pages.get(Math.floor(at / pageLength))?.entries[at % pageLength];
    },
    want(from, end) {
      if (!isStarted) return;
      if (isDense) {
        for (let index = Math.max(0, from); index < Math.min(end, book.count); index += 1)
          if (isMissing(last - index)) fetchPage(blockOf(last - index));
        return;
      }
      const lastPage = starts.length - 1;
      for (let at = from - taken.length; at < end - taken.length; at += 1) {
        const page = Math.floor(at / pageLength);
        if (at >= 0 && page < lastPage && !pages.has(page)) fetchPage(page);
      }
      // The next is asked for a little before its rows are reached.
      if (!isEnded && end - taken.length >= known - pageLength / 2) fetchPage(lastPage);
    },
    tell(entries) {
      if (until !== undefined) return;
      told = entries.filter((entry) => fits(filter, entry));
    },
    take() {
      const fresh = told.filter(({ id }) => id > last);
      const newest = fresh.at(-1);
      if (!isStarted || newest === undefined) return;
      if (isDense && first > last) first = fresh[0]?.id ?? first;
      taken = isDense ? told : [...taken, ...fresh];
      last = newest.id;
    },
    held() {
      const all = new Map<number, JournalEntryView>();
      for (const { entries } of pages.values()) for (const entry of entries) all.set(entry.id, entry);
      for (const entry of taken) all.set(entry.id, entry);
      const isOf = ({ id }: JournalEntryView): boolean => !isDense || (id >= first && id <= last);
      return [...all.values()].filter(isOf).sort((a, b) => b.id - a.id);
    },
    older(wanted) {
      if (pages.size >= pagesMax) return false;
      if (!isDense) {
        if (isEnded) return false;
        fetchPage(starts.length - 1);
        return true;
      }
      let isAny = false;
      for (let block = blockOf(last), left = wanted; block >= blockOf(first) && left > 0; block -= 1) {
        if (pages.has(block)) continue;
        fetchPage(block);
        isAny = true;
        left -= 1;
      }
      return isAny;
    },
  };
  void start();
  return book;
}
