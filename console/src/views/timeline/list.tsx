/** The entries of the slice, the newest first: only the rows that are seen are drawn, only their pages are fetched. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { clock, isoWithOffset, zoneName } from '../../format/time.ts';
import { paused } from '../../live/store.ts';
import { Failed, Loading } from '../../parts/states.tsx';
import { scrolledRows, scrollTo, type Scrolled } from '../../parts/window.ts';
import { zone } from '../../settings.ts';
import { pagesMax } from './book.ts';
import { Kind } from './kinds.tsx';
import { says } from './lanes.ts';
import type { Reading } from './use-book.ts';

interface ListProps {
  readonly reading: Reading;
  /** Shown among what is held. */
  readonly search: string;
  /** The newest moment of the slice. */
  readonly to: number;
  readonly onOpen: (entry: JournalEntryView) => void;
}

/** As the style sheet says; cards on a narrow screen are higher. */
function entryPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--entry-px')) || 36;
}

export function EntryList({ reading, search, to, onOpen }: ListProps): JSX.Element {
  const { book, failure, again, take } = reading;
  const frame = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 600, rowPx: 36 });
  const [active, setActive] = useState(0);
  const toFocus = useRef<number | undefined>(undefined);
  const hadFocus = useRef(false);
  const found = search.trim() === '' ? undefined : book?.held().filter((entry) => says(entry, search.trim()));
  const count = found?.length ?? book?.count ?? 0;
  const rows = scrolledRows(count, scroll.rowPx, scroll.top, scroll.height);
  const { first, end } = rows;
  const row = (index: number): JournalEntryView | undefined => (found === undefined ? book?.row(index) : found[index]);

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const look = (): void =>
      setScroll({ top: element.scrollTop, height: element.clientHeight || 600, rowPx: entryPx() });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [book?.isStarted, failure === undefined]);

  useEffect(() => {
    if (failure === undefined && found === undefined) book?.want(first, end);
  });

  // At the top the newest come by themselves; further down what one reads must not move.
  const pending = book?.pending ?? 0;
  const isAtTop = scroll.top < scroll.rowPx;
  useEffect(() => {
    if (pending > 0 && isAtTop && active === 0 && !paused.peek()) take();
  }, [pending, isAtTop, active]);

  useLayoutEffect(() => {
    const element = frame.current;
    const index = toFocus.current;
    const button = index === undefined ? null : element?.querySelector<HTMLElement>(`[data-row="${index}"]`);
    if (button != null) {
      toFocus.current = undefined;
      button.focus({ preventScroll: true });
    } else if (hadFocus.current && document.activeElement === document.body) {
      // The row that had it was scrolled away: the keys go on from here.
      element?.focus({ preventScroll: true });
    }
    hadFocus.current = element?.contains(document.activeElement) === true;
  });

  if (failure !== undefined && (book === undefined || book.count === 0))
    return <Failed failure={failure} again={again} />;
  if (book === undefined || !book.isStarted) return <Loading lines={8} what="Reading the journal" />;

  const goTo = (index: number): void => {
    const element = frame.current;
    if (element === null) return;
    const wanted = Math.min(Math.max(0, index), count - 1);
    setActive(wanted);
    toFocus.current = wanted;
    // Near, by as much as is needed; far, to the very end.
    if (wanted === 0) element.scrollTop = 0;
    else if (wanted === count - 1) element.scrollTop = element.scrollHeight;
    else {
      const top = rows.offsetPx + (wanted - first) * scroll.rowPx;
      const isSeen = top >= element.scrollTop && top + scroll.rowPx <= element.scrollTop + element.clientHeight;
      const onPage = Math.floor(scroll.height / scroll.rowPx);
      const atTop = wanted < active ? wanted : Math.max(0, wanted - onPage + 1);
      if (!isSeen) element.scrollTop = scrollTo(atTop, count, scroll.rowPx, scroll.height);
    }
    setScroll({ ...scroll, top: element.scrollTop });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || count === 0) return;
    const onPage = Math.max(1, Math.floor(scroll.height / scroll.rowPx) - 1);
    const to = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + onPage,
      PageUp: active - onPage,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    goTo(to);
  };
  const said = isManyDays(row(first)?.at, row(end - 1)?.at, to);
  const tabTo = Math.min(Math.max(active, first), Math.max(first, end - 1));
  return (
    <>
      {failure !== undefined && <Failed failure={failure} again={again} />}
      <div class="list-state">
        <span role="status">{stateWords(count, book.held().length, book.isOpenEnded, found !== undefined)}</span>
        {pending > 0 && (
          <button
            type="button"
            class="button small"
            onClick={() => {
              take();
              setActive(0);
              if (frame.current !== null) frame.current.scrollTop = 0;
            }}
          >
            ▲ {pending} newer
          </button>
        )}
        {found !== undefined && (
          <button
            type="button"
            class="button small"
            disabled={book.pagesHeld >= pagesMax}
            onClick={() => book.older(4)}
          >
            Search further back
          </button>
        )}
      </div>
      <div class="entries" role="table" aria-label="Entries of the journal" aria-rowcount={count + 1}>
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} class="entry entry-head">
            <span role="columnheader">Time, {zoneName(to, zone.value)}</span>
            <span role="columnheader">Kind</span>
            <span role="columnheader">Subject</span>
            <span role="columnheader">What</span>
            <span role="columnheader">By</span>
            <span role="columnheader">Reason</span>
          </div>
        </div>
        <div
          class="entries-frame"
          role="rowgroup"
          ref={frame}
          // Until there is a row to go to, it is what Tab goes to.
          tabIndex={row(tabTo) === undefined ? 0 : -1}
          onKeyDown={onKeyDown}
        >
          <Rows
            rows={rows}
            row={row}
            active={tabTo}
            withDate={said}
            onOpen={(index, entry) => {
              setActive(index);
              onOpen(entry);
            }}
          />
        </div>
      </div>
    </>
  );
}

function stateWords(count: number, held: number, isOpenEnded: boolean, isSearch: boolean): string {
  const number = count.toLocaleString('en-GB');
  const entries = count === 1 ? 'entry' : 'entries';
  if (isSearch) return `${number} of the ${held.toLocaleString('en-GB')} that are loaded`;
  return isOpenEnded ? `${number} ${entries} so far; more as you scroll` : `${number} ${entries}`;
}

/** Whether a time of day alone would not say which. */
function isManyDays(newest: number | undefined, oldest: number | undefined, to: number): boolean {
  const day = clock(to, zone.value, 'date');
  return [newest, oldest].some((at) => at !== undefined && clock(at, zone.value, 'date') !== day);
}

interface RowsProps {
  readonly rows: Scrolled;
  readonly row: (index: number) => JournalEntryView | undefined;
  /** The one that Tab goes to. */
  readonly active: number;
  readonly withDate: boolean;
  readonly onOpen: (index: number, entry: JournalEntryView) => void;
}

function Rows({ rows: { first, end, heightPx, offsetPx }, row, active, withDate, onOpen }: RowsProps): JSX.Element {
  const indices = Array.from({ length: end - first }, (_, index) => first + index);
  return (
    <div class="entries-all" role="presentation" style={{ height: `${heightPx}px` }}>
      <div class="entries-seen" role="presentation" style={{ transform: `translateY(${offsetPx}px)` }}>
        {indices.map((index) => {
          const entry = row(index);
          return entry === undefined ? (
            <div key={index} role="row" aria-rowindex={index + 2} class="entry">
              <span role="cell" class="muted">
                …
              </span>
            </div>
          ) : (
            <div key={index} role="row" aria-rowindex={index + 2} class="entry" data-entry={entry.id}>
              <span role="cell" class="entry-time">
                <time dateTime={isoWithOffset(entry.at, zone.value)}>
                  {withDate && `${clock(entry.at, zone.value, 'date')} `}
                  {clock(entry.at, zone.value)}
                </time>
              </span>
              <span role="cell">
                <Kind entry={entry} />
              </span>
              <span role="cell" class="entry-subject">
                {entry.subject}
              </span>
              <span role="cell" class="entry-what">
                <button
                  type="button"
                  class="link"
                  data-row={index}
                  tabIndex={index === active ? 0 : -1}
                  onClick={() => onOpen(index, entry)}
                >
                  {entry.action}
                </button>
              </span>
              <span role="cell" class="entry-by">
                {entry.by}
              </span>
              <span role="cell" class="entry-reason muted" title={entry.reason}>
                {entry.reason}
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
