/** Half an hour of decisions on one line: up and down by shape, side by side where they crowd. */
import type { JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { now } from '../../live/store.ts';
import { clock, zoneName } from '../../format/time.ts';
import { zone } from '../../settings.ts';
import { marksOf, type Direction } from './lane-marks.ts';

const width = 1000;
const height = 40;
const ticks = 6;

const shapes: Readonly<Record<Direction, string>> = {
  up: 'M0 -5 5 4H-5Z',
  down: 'M0 5 5 -4H-5Z',
  hold: 'M-4 -1.5H4V1.5H-4Z',
};

interface LaneProps {
  readonly entries: readonly JournalEntryView[];
  readonly spanMs: number;
}

export function DecisionLane({ entries, spanMs }: LaneProps): JSX.Element {
  const to = now.value;
  const from = to - spanMs;
  const marks = marksOf(entries, from, to, width);
  const ups = marks.filter(({ direction }) => direction === 'up').length;
  const downs = marks.filter(({ direction }) => direction === 'down').length;
  const label = `${entries.length} decisions in the last ${Math.round(spanMs / 60_000)} minutes: ${ups} up, ${downs} down.`;
  return (
    <figure class="lane">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} preserveAspectRatio="none">
        <path class="lane-base" d={`M0 ${height / 2}H${width}`} />
        {marks.map(({ id, x, direction, moved }) => (
          <path
            key={id}
            class={`lane-mark ${direction}${moved ? '' : ' hollow'}`}
            d={shapes[direction]}
            transform={`translate(${x} ${direction === 'up' ? height / 2 - 7 : direction === 'down' ? height / 2 + 7 : height / 2})`}
          />
        ))}
      </svg>
      <figcaption class="lane-axis">
        {Array.from({ length: ticks + 1 }, (_, index) => {
          const at = from + (index * spanMs) / ticks;
          return (
            <span key={index}>
              {clock(at, zone.value, 'minute')}
              {index === ticks && ` ${zoneName(at, zone.value)}`}
            </span>
          );
        })}
      </figcaption>
      <p class="legend">
        <span>▲ up</span> <span>▼ down</span> <span>▬ held</span>{' '}
        <span class="muted">filled: carried out; hollow: advised, asked or refused</span>
      </p>
    </figure>
  );
}
