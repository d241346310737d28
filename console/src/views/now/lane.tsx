/** Half an hour of decisions on one line: up and down by shape, side by side where they crowd. */
import type { JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { now } from '../../live/store.ts';
import { clock, zoneName } from '../../format/time.ts';
import { zone } from '../../settings.ts';
import { marksOf, type Direction } from './lane-marks.ts';

const height = 40;
const ticks = 6;

const shapes: Readonly<Record<Direction, string>> = {
  up: 'M0 -5 5 4H-5Z',
  down: 'M0 5 5 -4H-5Z',
  hold: 'M-4 -1.5H4V1.5H-4Z',
};

/** Up above the line, down below it. */
const rise: Readonly<Record<Direction, number>> = { up: -8, down: 8, hold: 0 };

interface LaneProps {
  readonly entries: readonly JournalEntryView[];
  readonly spanMs: number;
}

export function DecisionLane({ entries, spanMs }: LaneProps): JSX.Element {
  const to = now.value;
  const from = to - spanMs;
  const marks = marksOf(entries, from, to);
  const ups = marks.filter(({ direction }) => direction === 'up').length;
  const downs = marks.filter(({ direction }) => direction === 'down').length;
  const label = `${entries.length} decisions in the last ${Math.round(spanMs / 60_000)} minutes: ${ups} up, ${downs} down.`;
  return (
    <figure class="lane">
      <svg role="img" aria-label={label} height={height} width="100%">
        <line class="lane-base" x1="0" x2="100%" y1={height / 2} y2={height / 2} />
        {marks.map(({ id, share, direction, moved }) => (
          // Each in a picture of its own, so that the width of the line does not stretch it.
          <svg key={id} class="lane-place" x={`${share * 100}%`} y={height / 2 + rise[direction]}>
            <path class={`lane-mark ${direction}${moved ? '' : ' hollow'}`} d={shapes[direction]} />
          </svg>
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
