/** Load, replicas and misses on one axis of time, a line for each policy that is shown, and the moment that is looked at. */
import type { JSX } from 'preact';
import { highest, linePath } from '../../charts/path.ts';
import { digits, words } from '../../format/quantity.ts';
import { clock, zoneName } from '../../format/time.ts';
import { zone } from '../../settings.ts';
import { elapsed, isRecorded } from './elapsed.ts';
import type { Timelines } from './kinds.ts';
import { ticksTo } from './pareto.ts';
import { dashes } from './swatch.tsx';

const width = 1000;
const laneTall = 150;

interface LanesProps {
  readonly timelines: Timelines;
  readonly shown: readonly number[];
  readonly at: number;
  readonly labels: readonly string[];
  readonly trace: string;
  readonly onAt: (index: number) => void;
}

export function CourseLanes({ timelines, shown, at, labels, trace, onAt }: LanesProps): JSX.Element {
  const { load, policies } = timelines;
  const drawn = shown.map((index) => ({ index, line: policies[index] }));
  const mostLoad = ticksTo(highest(load, 1), 3).at(-1) ?? 1;
  const mostServing =
    ticksTo(
      drawn.reduce((most, { line }) => highest(line?.serving ?? [], most), 1),
      3,
    ).at(-1) ?? 1;
  const mostMissed =
    ticksTo(
      drawn.reduce((most, { line }) => highest(line?.missed ?? [], most), 1),
      3,
    ).at(-1) ?? 1;
  const x = load.length < 2 ? 0 : (at / (load.length - 1)) * width;
  const pick = (event: MouseEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    onAt(Math.round(share * (load.length - 1)));
  };
  const lane = (
    title: string,
    unit: string,
    most: number,
    tall: number,
    label: string,
    content: JSX.Element,
  ): JSX.Element => (
    <figure class="course-lane">
      <figcaption>
        {title} <span class="muted">{unit}</span>
      </figcaption>
      <div class="course-frame">
        <span class="course-most" aria-hidden="true">
          {digits(most)}
        </span>
        <svg
          viewBox={`0 0 ${width} ${tall}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={label}
          style={{ height: `${tall}px` }}
          onClick={pick}
        >
          <path class="course-grid" d={`M0 0.5H${width}M0 ${tall / 2}H${width}M0 ${tall - 0.5}H${width}`} />
          {content}
          <path class="course-cursor" d={`M${x} 0V${tall}`} />
        </svg>
      </div>
    </figure>
  );
  const sentence = (what: string, of: (line: Timelines['policies'][number]) => readonly number[]): string =>
    `${what}: ${drawn.map(({ index, line }) => `${labels[index]} at most ${digits(highest(line === undefined ? [] : of(line), 0))}`).join(', ')}.`;
  return (
    <div class="course">
      {lane(
        'Load',
        'req/s',
        mostLoad,
        70,
        `Load: at most ${words(highest(load, 0), 'req/s')}.`,
        <path class="course-load" d={`${linePath(load, { width, height: 70, low: 0, high: mostLoad })}V70H0Z`} />,
      )}
      {lane(
        'Replicas that serve',
        '',
        mostServing,
        laneTall,
        sentence('Replicas that serve', ({ serving }) => serving),
        <>
          {drawn.map(({ index, line }, place) => (
            <path
              key={index}
              class={`course-line series-${place + 1}`}
              stroke-dasharray={dashes[place]}
              d={linePath(line?.serving ?? [], { width, height: laneTall, low: 0, high: mostServing })}
            />
          ))}
        </>,
      )}
      {lane(
        'Missed',
        'req/s',
        mostMissed,
        90,
        sentence('Missed requests a second', ({ missed }) => missed),
        <>
          {drawn.map(({ index, line }, place) => (
            <path
              key={index}
              class={`course-line series-${place + 1}`}
              stroke-dasharray={dashes[place]}
              d={linePath(line?.missed ?? [], { width, height: 90, low: 0, high: mostMissed })}
            />
          ))}
        </>,
      )}
      <Axis timelines={timelines} trace={trace} />
    </div>
  );
}

const ticks = 6;

function Axis({
  timelines: { load, stretchSeconds, from },
  trace,
}: Pick<LanesProps, 'timelines' | 'trace'>): JSX.Element {
  const whole = load.length * stretchSeconds;
  return (
    <p class="course-axis" aria-hidden="true">
      {Array.from({ length: ticks + 1 }, (_, index) => {
        const second = (whole * index) / ticks;
        const text = isRecorded(trace)
          ? clock(from + second * 1000, zone.value, whole < 1200 ? 'second' : 'minute')
          : elapsed(second);
        return (
          <span key={index}>
            {text}
            {index === ticks && isRecorded(trace) && ` ${zoneName(from, zone.value)}`}
          </span>
        );
      })}
    </p>
  );
}
