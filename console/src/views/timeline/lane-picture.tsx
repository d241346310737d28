/** The lanes as they are drawn: for the eye alone, since the slider around them, the figures and the table say it, too. */
import type { JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { clock, zoneName } from '../../format/time.ts';
import { serverNow } from '../../live/store.ts';
import { zone } from '../../settings.ts';
import type { Span } from '../deployment/range.ts';
import type { Frame } from './frame.ts';
import { inLane, lanes, markPaths, type LaneId } from './lanes.ts';
import type { LoadLines } from './load.ts';

interface PictureProps {
  readonly frame: Frame;
  readonly entries: readonly JournalEntryView[];
  readonly since: Readonly<Partial<Record<LaneId, number>>>;
  readonly lines: LoadLines | undefined;
  readonly deployment: string | undefined;
  readonly brush: Span | undefined;
  readonly cursor: number | undefined;
}

/** Characters of a deployment's name beside its lane. */
const nameMax = 14;

export function LanePicture({ frame, entries, since, lines, deployment, brush, cursor }: PictureProps): JSX.Element {
  const { wholePx, heightPx, lanesPx, isNarrow, left, width, load, xOf } = frame;
  return (
    <svg width={wholePx} height={heightPx} aria-hidden="true">
      <text class="lane-name" x={0} y={isNarrow ? 10 : load.top + load.height / 2 + 4}>
        Load{deployment === undefined ? '' : ` of ${isNarrow ? deployment : shortened(deployment)}`}
      </text>
      <rect class="lane-back" x={left} y={load.top} width={width} height={load.height} rx={4} />
      {lines !== undefined && <Load lines={lines} frame={frame} />}
      {lanes.map(({ id, name }, index) => (
        <Lane key={id} id={id} name={name} index={index} frame={frame} entries={entries} since={since[id]} />
      ))}
      <Ticks frame={frame} />
      {brush !== undefined && (
        <rect
          class="lanes-brush"
          x={xOf(brush.from)}
          y={0}
          width={Math.max(2, xOf(brush.to) - xOf(brush.from))}
          height={lanesPx}
        />
      )}
      {cursor !== undefined && <line class="lanes-cursor" x1={xOf(cursor)} x2={xOf(cursor)} y1={0} y2={lanesPx} />}
    </svg>
  );
}

const shortened = (name: string): string => (name.length > nameMax ? `${name.slice(0, nameMax - 1)}…` : name);

function Load({ lines, frame }: { readonly lines: LoadLines; readonly frame: Frame }): JSX.Element {
  const { xOf, load } = frame;
  const start = xOf(lines.from);
  const wide = Math.max(1, xOf(lines.to) - start);
  return (
    <g transform={`translate(${start} ${load.top + 2})`}>
      <path class="lane-load" d={lines.path('load', wide, load.height - 4)} />
      <path class="lane-ready" d={lines.path('ready', wide, load.height - 4)} />
    </g>
  );
}

interface LaneProps {
  readonly id: LaneId;
  readonly name: string;
  readonly index: number;
  readonly frame: Frame;
  readonly entries: readonly JournalEntryView[];
  /** Before it, there is more than was asked for. */
  readonly since: number | undefined;
}

function Lane({ id, name, index, frame, entries, since }: LaneProps): JSX.Element {
  const { left, width, window, xOf } = frame;
  const { top, height, nameY } = frame.lane(index);
  const middle = top + height / 2;
  return (
    <g>
      <text class="lane-name" x={0} y={nameY}>
        {name}
      </text>
      <rect class="lane-back" x={left} y={top} width={width} height={height} rx={4} />
      {since !== undefined && since > window.from && (
        <rect class="lane-unknown" x={left} y={top} width={Math.max(0, xOf(since) - left)} height={height} />
      )}
      <line class="lane-base" x1={left} x2={left + width} y1={middle} y2={middle} />
      <g transform={`translate(${left} 0)`}>
        {markPaths(inLane(entries, id), window, width, middle).map(({ shape, path }) => (
          <path key={shape} class={`event ${id} ${shape}`} d={path} />
        ))}
      </g>
    </g>
  );
}

function Ticks({ frame: { window, left, width, heightPx } }: { readonly frame: Frame }): JSX.Element {
  const { from, to } = window;
  const parts = width < 480 ? 2 : width < 900 ? 4 : 6;
  const precision = to - from < 600_000 ? 'second' : 'minute';
  const isOtherDay = clock(from, zone.value, 'date') !== clock(serverNow(), zone.value, 'date');
  return (
    <>
      {Array.from({ length: parts + 1 }, (_, index) => {
        const at = from + (index * (to - from)) / parts;
        const anchor = index === 0 ? 'start' : index === parts ? 'end' : 'middle';
        return (
          <text key={index} class="lane-tick" x={left + (index * width) / parts} y={heightPx - 5} text-anchor={anchor}>
            {index === 0 && isOtherDay && `${clock(at, zone.value, 'date')} `}
            {clock(at, zone.value, precision)}
            {index === parts && ` ${zoneName(at, zone.value)}`}
          </text>
        );
      })}
    </>
  );
}
