/**
 * Everything that happened in the window, in lanes under one axis of time. Dragging, or shift with the arrow keys,
 * chooses a slice; the arrow keys move the cursor, which tells what is near it; `t` shows the lanes as a table.
 */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import { moment } from '../../format/time.ts';
import { serverNow } from '../../live/store.ts';
import { zone } from '../../settings.ts';
import type { Span } from '../deployment/range.ts';
import { frameOf } from './frame.ts';
import { LaneFigures } from './lane-figures.tsx';
import { LanePicture } from './lane-picture.tsx';
import { LaneTable } from './lane-table.tsx';
import { near, type LaneId } from './lanes.ts';
import { loadLines } from './load.ts';
import { brushed, cursorAfter, stepOf, type Looked } from './span.ts';

interface LanesProps {
  readonly looked: Looked;
  readonly entries: readonly JournalEntryView[];
  readonly since: Readonly<Partial<Record<LaneId, number>>>;
  readonly series: SeriesView | undefined;
  readonly deployment: string | undefined;
  readonly onBrush: (brush: Span | undefined) => void;
  readonly onOpen: (entry: JournalEntryView) => void;
}

const dragPx = 4;
const nearMax = 3;

export function Lanes(props: LanesProps): JSX.Element {
  const { looked, entries, since, series, deployment, onBrush, onOpen } = props;
  const { window, brush } = looked;
  const element = useRef<HTMLDivElement>(null);
  const [wholePx, setWhole] = useState(900);
  const [cursor, setCursor] = useState<number | undefined>();
  const [isTable, setTable] = useState(false);
  /** While a slice is being chosen: where it began, and where it is. */
  const [draft, setDraft] = useState<{ readonly anchor: number; readonly at: number } | undefined>();

  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const look = (): void => setWhole(Math.max(200, current.clientWidth));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(current);
    return () => observer.disconnect();
  }, [isTable]);

  const frame = frameOf(wholePx, window);
  const at = cursor === undefined ? undefined : Math.min(Math.max(cursor, window.from), window.to);
  const around = at === undefined ? [] : near(entries, at, stepOf(window) * 2);
  const shownBrush = draft === undefined ? brush : brushed(draft.anchor, draft.at, window);

  const momentAt = ({ clientX }: PointerEvent): number =>
    frame.momentAt(clientX - (element.current?.getBoundingClientRect().left ?? 0));
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const anchor = momentAt(event);
    element.current?.setPointerCapture(event.pointerId);
    setDraft({ anchor, at: anchor });
  };
  const onPointerMove = (event: PointerEvent): void => {
    const here = momentAt(event);
    if (draft !== undefined) setDraft({ ...draft, at: here });
    else if (event.pointerType === 'mouse') setCursor(here);
  };
  const onPointerUp = (): void => {
    if (draft === undefined) return;
    setDraft(undefined);
    setCursor(draft.at);
    const isDrag = Math.abs(draft.at - draft.anchor) > frame.msOf(dragPx);
    if (isDrag) onBrush(brushed(draft.anchor, draft.at, window));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    if (key === 't') setTable(!isTable);
    else if (key === 'Escape') {
      setDraft(undefined);
      onBrush(undefined);
    } else if (key === 'Enter' && around[0] !== undefined) onOpen(around[0]);
    else {
      const to = cursorAfter(key, at, window);
      if (to === undefined) return;
      event.preventDefault();
      setCursor(to);
      // As text is chosen: from where the cursor stood when shift was first held.
      if (shiftKey) setDraft({ anchor: draft?.anchor ?? at ?? window.to, at: to });
    }
  };
  const finish = (): void => {
    if (draft === undefined) return;
    setDraft(undefined);
    const chosen = brushed(draft.anchor, draft.at, window);
    if (chosen !== undefined) onBrush(chosen);
  };

  const lines = series === undefined ? undefined : loadLines(series);
  const said = at === undefined ? moment(window.to, zone.value, serverNow()) : moment(at, zone.value, serverNow());
  const nearWords = around
    .slice(0, nearMax)
    .map(({ subject, action }) => `${subject} ${action}`)
    .join('; ');
  return (
    <figure class="lanes" aria-label="Lanes">
      <div class="chart-head">
        <h2>What happened</h2>
        <p class="chart-read">
          {at === undefined ? (
            <span class="muted">
              ← → move the cursor, shift chooses a slice, Enter opens what is near, t is the table
            </span>
          ) : (
            <>
              <b>{said}</b>
              {around.length === 0 && <span>nothing near</span>}
              {around.slice(0, nearMax).map((entry) => (
                <button key={entry.id} type="button" class="link" onClick={() => onOpen(entry)}>
                  {entry.subject} {entry.action}
                </button>
              ))}
              {around.length > nearMax && <span class="muted">and {around.length - nearMax} more</span>}
            </>
          )}
        </p>
        <button type="button" class="button small quiet" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          Table
        </button>
      </div>
      {isTable ? (
        <LaneTable window={window} entries={entries} series={series} deployment={deployment} />
      ) : (
        <div
          class="lanes-frame"
          ref={element}
          tabIndex={0}
          role="slider"
          aria-label="Cursor of the lanes"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={at === undefined ? 100 : Math.round(((at - window.from) / (window.to - window.from)) * 100)}
          aria-valuetext={`${said}: ${nearWords === '' ? 'nothing near' : nearWords}`}
          onKeyDown={onKeyDown}
          onKeyUp={({ key }: KeyboardEvent) => key === 'Shift' && finish()}
          onBlur={finish}
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={onPointerUp}
          onPointerCancel={() => setDraft(undefined)}
          onPointerLeave={() => draft === undefined && setCursor(undefined)}
        >
          <LanePicture
            frame={frame}
            entries={entries}
            since={since}
            lines={lines}
            deployment={deployment}
            brush={shownBrush}
            cursor={at}
          />
        </div>
      )}
      <figcaption class="sr-only">
        From {moment(window.from, zone.value, serverNow())} to {moment(window.to, zone.value, serverNow())}.
      </figcaption>
      <LaneFigures window={window} entries={entries} since={since} lines={lines} deployment={deployment} />
      <p class="legend">
        <span>load: line; ready replicas: dashes</span> <span>▲ more</span> <span>▼ fewer</span> <span>▬ held</span>{' '}
        <span>▪ what came of it</span> <span>● ready</span> <span>■ failed, stopped or firing</span>{' '}
        <span>○ other, or over</span> <span>◆ mode, approval</span> <span>❘ change</span>
        {Object.values(since).some((from) => from > window.from) && (
          <span>shaded: more than is drawn; choose a shorter span</span>
        )}
      </p>
    </figure>
  );
}
