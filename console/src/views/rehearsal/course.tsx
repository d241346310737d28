/** How it went: load, replicas and misses on one axis, and a moment that can be moved along it, by hand or by itself. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { labelOf } from '../../../../src/rehearsal/report/verdict.ts';
import { highest, linePath } from '../../charts/path.ts';
import { digits, words } from '../../format/quantity.ts';
import { clock, zoneName } from '../../format/time.ts';
import { choose, type Params } from '../../router.ts';
import { zone } from '../../settings.ts';
import { elapsed, isRecorded, momentOf } from './elapsed.ts';
import { episodesOf } from './episodes.ts';
import type { Rehearsal, Timelines } from './kinds.ts';
import { ticksTo } from './pareto.ts';

interface CourseProps {
  readonly rehearsal: Rehearsal;
  readonly timelines: Timelines;
  readonly own: number | undefined;
  readonly query: Params;
}

const width = 1000;
const laneTall = 150;
/** As many as can be told apart. */
const seriesMax = 6;
const dashes = ['', '7 3', '2 3', '9 3 2 3', '4 2', '12 4'];
const replayMs = 15_000;
const episodesShown = 5;

export function Course({ rehearsal, timelines, own, query }: CourseProps): JSX.Element {
  const { report, tolerated } = rehearsal;
  const { load, stretchSeconds, policies, from } = timelines;
  const first = [...new Set([own ?? 0, 0, 1, 2])].filter((index) => index < policies.length).slice(0, 3);
  const chosen = query['show'] === undefined ? first : query['show'].split(',').map(Number);
  const shown = chosen.filter((index) => policies[index] !== undefined).slice(0, seriesMax);
  const [at, setAt] = useState(() => peakOf(load));
  const [isPlaying, setPlaying] = useState(false);
  const last = load.length - 1;
  useEffect(() => {
    if (!isPlaying) return undefined;
    const every = Math.max(40, replayMs / Math.max(1, load.length));
    const timer = setInterval(() => {
      setAt((before) => {
        if (before < last) return before + 1;
        setPlaying(false);
        return before;
      });
    }, every);
    return () => clearInterval(timer);
  }, [isPlaying, last]);
  const labels = report.policies.map(labelOf);
  const time = { trace: report.trace, from, zone: zone.value };
  const seconds = at * stretchSeconds;
  const toggle = (index: number, isOn: boolean): void => {
    const next = isOn ? [...shown, index] : shown.filter((each) => each !== index);
    choose({ show: next.toSorted((one, other) => one - other).join(',') });
  };
  return (
    <section class="panel" aria-labelledby="rehearsal-course">
      <h2 id="rehearsal-course">How it went</h2>
      <fieldset class="course-choice">
        <legend class="sr-only">Policies in the picture</legend>
        {labels.map((label, index) => {
          const place = shown.indexOf(index);
          return (
            <label key={index} class="check">
              <input
                type="checkbox"
                checked={place !== -1}
                disabled={place === -1 && shown.length >= seriesMax}
                onChange={({ currentTarget }) => toggle(index, currentTarget.checked)}
              />
              {place !== -1 && <Swatch place={place} />}
              {label}
            </label>
          );
        })}
      </fieldset>
      <Lanes timelines={timelines} shown={shown} at={at} labels={labels} trace={report.trace} onAt={setAt} />
      <div class="scrubber">
        <button
          type="button"
          class="button"
          onClick={() => {
            if (at >= last) setAt(0);
            setPlaying(!isPlaying);
          }}
        >
          {isPlaying ? 'Pause' : 'Replay'}
        </button>
        <label class="scrubber-range">
          <span class="sr-only">Moment</span>
          <input
            type="range"
            min={0}
            max={last}
            value={at}
            aria-valuetext={momentOf(time, seconds)}
            onInput={({ currentTarget }) => {
              setPlaying(false);
              setAt(Number(currentTarget.value));
            }}
          />
        </label>
        <output class="scrubber-time">{momentOf(time, seconds)}</output>
      </div>
      <p class="muted">
        At that moment, mean of {words(stretchSeconds * 1000, 'ms')}: {words(load[at], 'req/s')} come
      </p>
      <div class="scroller" tabIndex={0} role="region" aria-label="At that moment, a table">
        <table class="rehearsal-table">
          <caption class="sr-only">What each policy holds at that moment, and when it broke the promise</caption>
          <thead>
            <tr>
              <th scope="col">Policy</th>
              <th scope="col" class="number">
                Wished
              </th>
              <th scope="col" class="number">
                Serving
              </th>
              <th scope="col" class="number">
                Missed
              </th>
              <th scope="col">Promise broken</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((index, place) => (
              <tr key={index}>
                <th scope="row" class="policy-name">
                  <Swatch place={place} /> {labels[index]}
                </th>
                <td class="number">{words(policies[index]?.target[at], 'replicas')}</td>
                <td class="number">{words(policies[index]?.serving[at], 'replicas')}</td>
                <td class="number">{words(policies[index]?.missed[at], 'req/s')}</td>
                <td>
                  <Episodes timelines={timelines} policy={index} tolerated={tolerated} time={time} onAt={setAt} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const peakOf = (load: readonly number[]): number => {
  const most = Math.max(...load);
  return Math.max(0, load.indexOf(most));
};

function Swatch({ place }: { readonly place: number }): JSX.Element {
  return (
    <svg class="swatch" viewBox="0 0 28 8" aria-hidden="true">
      <path class={`course-line series-${place + 1}`} d="M0 4H28" stroke-dasharray={dashes[place]} />
    </svg>
  );
}

interface EpisodesProps {
  readonly timelines: Timelines;
  readonly policy: number;
  readonly tolerated: number;
  readonly time: { readonly trace: string; readonly from: number; readonly zone: string };
  readonly onAt: (index: number) => void;
}

function Episodes({ timelines, policy, tolerated, time, onAt }: EpisodesProps): JSX.Element {
  const found = useMemo(() => episodesOf(timelines, policy, tolerated), [timelines, policy, tolerated]);
  if (found.length === 0) return <span class="muted">never</span>;
  const worst = found.toSorted((one, other) => other.missed * other.requests - one.missed * one.requests);
  return (
    <ul class="plain episodes">
      {worst.slice(0, episodesShown).map(({ from, to, missed }) => (
        <li key={from}>
          <button
            type="button"
            class="link"
            title={momentOf(time, from)}
            onClick={() => onAt(Math.round(from / timelines.stretchSeconds))}
          >
            {isRecorded(time.trace) ? clock(time.from + from * 1000, time.zone) : elapsed(from)}
          </button>{' '}
          for {words((to - from) * 1000, 'ms')}, {words(missed, 'share')} missed
        </li>
      ))}
      {found.length > episodesShown && <li class="muted">and {found.length - episodesShown} more</li>}
    </ul>
  );
}

interface LanesProps {
  readonly timelines: Timelines;
  readonly shown: readonly number[];
  readonly at: number;
  readonly labels: readonly string[];
  readonly trace: string;
  readonly onAt: (index: number) => void;
}

function Lanes({ timelines, shown, at, labels, trace, onAt }: LanesProps): JSX.Element {
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
