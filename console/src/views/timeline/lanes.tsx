/**
 * Everything that happened in the window, in lanes under one axis of time. Dragging, or shift with the arrow keys,
 * chooses a slice; the arrow keys move the cursor, which tells what is near it; `t` shows the lanes as a table.
 */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import { words } from '../../format/quantity.ts';
import { clock, moment, zoneName } from '../../format/time.ts';
import { serverNow } from '../../live/store.ts';
import { zone } from '../../settings.ts';
import type { Span } from '../deployment/range.ts';
import { LaneTable } from './lane-table.tsx';
import { inLane, lanes, markPaths, near, type LaneId } from './lanes.ts';
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

const loadPx = 52;
const lanePx = 34;
const axisPx = 20;
const namesPx = 156;
/** Narrower, names stand above their lanes. */
const narrowPx = 620;
const dragPx = 4;
const nearMax = 3;

export function Lanes(props: LanesProps): JSX.Element {
  const { looked, entries, since, series, deployment, onBrush, onOpen } = props;
  const { window, brush } = looked;
  const frame = useRef<HTMLDivElement>(null);
  const [wholePx, setWhole] = useState(900);
  const [cursor, setCursor] = useState<number | undefined>();
  const [isTable, setTable] = useState(false);
  /** While a slice is being chosen: where it began, and where it is. */
  const [draft, setDraft] = useState<{ readonly anchor: number; readonly at: number } | undefined>();

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const look = (): void => setWhole(Math.max(200, element.clientWidth));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [isTable]);

  const isNarrow = wholePx < narrowPx;
  const left = isNarrow ? 0 : namesPx;
  const above = isNarrow ? 14 : 0;
  const width = wholePx - left;
  const reach = window.to - window.from;
  const xOf = (at: number): number => left + ((at - window.from) / reach) * width;
  const topOf = (index: number): number => above + loadPx + index * (lanePx + above);
  const heightPx = topOf(lanes.length) + axisPx;
  const at = cursor === undefined ? undefined : Math.min(Math.max(cursor, window.from), window.to);
  const around = at === undefined ? [] : near(entries, at, stepOf(window) * 2);
  const shownBrush = draft === undefined ? brush : brushed(draft.anchor, draft.at, window);

  const momentAt = (event: PointerEvent): number => {
    const box = frame.current?.getBoundingClientRect();
    const x = event.clientX - (box?.left ?? 0) - left;
    return window.from + (Math.min(Math.max(x, 0), width) / width) * reach;
  };
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const anchor = momentAt(event);
    frame.current?.setPointerCapture(event.pointerId);
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
    const isDrag = Math.abs(draft.at - draft.anchor) > (dragPx / width) * reach;
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
  const label = (id: LaneId): string => {
    const { length } = inLane(entries, id).filter((entry) => isIn(entry, window));
    return (since[id] ?? 0) > window.from ? `${length}+` : String(length);
  };
  const loadNow = lines?.last === undefined ? undefined : words(lines.last, 'req/s');
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
          ref={frame}
          tabIndex={0}
          role="slider"
          aria-label="Cursor of the lanes"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={at === undefined ? 100 : Math.round(((at - window.from) / reach) * 100)}
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
          <svg width={wholePx} height={heightPx} aria-hidden="true">
            <text class="lane-name" x={0} y={isNarrow ? 10 : loadPx / 2}>
              Load
              {deployment === undefined
                ? ''
                : ` of ${deployment.length > 14 && !isNarrow ? `${deployment.slice(0, 13)}…` : deployment}`}
            </text>
            {!isNarrow && (
              <text class="lane-more" x={0} y={loadPx / 2 + 14}>
                {lines === undefined ? 'no data' : `up to ${words(lines.highest, 'req/s')}`}
              </text>
            )}
            <rect class="lane-back" x={left} y={above} width={width} height={loadPx - 6} rx={4} />
            {lines !== undefined && (
              <Load lines={lines} xOf={xOf} top={above + 2} height={loadPx - 10} window={window} />
            )}
            {lanes.map(({ id, name }, index) => {
              const top = topOf(index);
              const y = top + (lanePx - 6) / 2 + (isNarrow ? above : 0);
              const own = inLane(entries, id);
              const from = since[id] ?? window.from;
              return (
                <g key={id}>
                  <text class="lane-name" x={0} y={isNarrow ? top + 10 : y + 4}>
                    {name}
                    <tspan class="lane-more" dx={6}>
                      {label(id)}
                    </tspan>
                  </text>
                  <rect
                    class="lane-back"
                    x={left}
                    y={isNarrow ? top + above : top}
                    width={width}
                    height={lanePx - 6}
                    rx={4}
                  />
                  {from > window.from && (
                    <rect
                      class="lane-unknown"
                      x={left}
                      y={isNarrow ? top + above : top}
                      width={Math.max(0, xOf(from) - left)}
                      height={lanePx - 6}
                    />
                  )}
                  <line class="lane-base" x1={left} x2={left + width} y1={y} y2={y} />
                  <g transform={`translate(${left} 0)`}>
                    {markPaths(own, window, width, y).map(({ shape, path }) => (
                      <path key={shape} class={`event ${id} ${shape}`} d={path} />
                    ))}
                  </g>
                </g>
              );
            })}
            <Ticks window={window} left={left} width={width} y={heightPx - 5} />
            {shownBrush !== undefined && (
              <rect
                class="lanes-brush"
                x={xOf(shownBrush.from)}
                y={0}
                width={Math.max(2, xOf(shownBrush.to) - xOf(shownBrush.from))}
                height={heightPx - axisPx}
              />
            )}
            {at !== undefined && <line class="lanes-cursor" x1={xOf(at)} x2={xOf(at)} y1={0} y2={heightPx - axisPx} />}
          </svg>
        </div>
      )}
      <figcaption class="sr-only">
        From {moment(window.from, zone.value, serverNow())} to {moment(window.to, zone.value, serverNow())}:{' '}
        {lanes.map(({ id, name }) => `${name}: ${label(id)}`).join('. ')}.
        {loadNow !== undefined && ` Load: last ${loadNow}, highest ${words(lines?.highest, 'req/s')}.`}
      </figcaption>
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

const isIn = ({ at }: JournalEntryView, { from, to }: Span): boolean => at >= from && at <= to;

interface LoadProps {
  readonly lines: NonNullable<ReturnType<typeof loadLines>>;
  readonly xOf: (at: number) => number;
  readonly top: number;
  readonly height: number;
  readonly window: Span;
}

function Load({ lines: { from, to, path }, xOf, top, height }: LoadProps): JSX.Element {
  const start = xOf(from);
  const wide = Math.max(1, xOf(to) - start);
  return (
    <g transform={`translate(${start} ${top})`}>
      <path class="lane-load" d={path('load', wide, height)} />
      <path class="lane-ready" d={path('ready', wide, height)} />
    </g>
  );
}

interface TicksProps {
  readonly window: Span;
  readonly left: number;
  readonly width: number;
  readonly y: number;
}

function Ticks({ window: { from, to }, left, width, y }: TicksProps): JSX.Element {
  const parts = width < 480 ? 2 : width < 900 ? 4 : 6;
  const precision = to - from < 600_000 ? 'second' : 'minute';
  const isOtherDay = clock(from, zone.value, 'date') !== clock(serverNow(), zone.value, 'date');
  return (
    <>
      {Array.from({ length: parts + 1 }, (_, index) => {
        const at = from + (index * (to - from)) / parts;
        const anchor = index === 0 ? 'start' : index === parts ? 'end' : 'middle';
        return (
          <text key={index} class="lane-tick" x={left + (index * width) / parts} y={y} text-anchor={anchor}>
            {index === 0 && isOtherDay && `${clock(at, zone.value, 'date')} `}
            {clock(at, zone.value, precision)}
            {index === parts && ` ${zoneName(at, zone.value)}`}
          </text>
        );
      })}
    </>
  );
}
