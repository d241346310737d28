/** What each policy holds at one moment, and when it broke the promise: each of those moments is one press away. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { words } from '../../format/quantity.ts';
import { clock } from '../../format/time.ts';
import { Figure } from '../../parts/figure.tsx';
import { moveAmongFigures } from '../../parts/roving.ts';
import { TableHead } from '../../parts/table-head.tsx';
import { elapsed, isRecorded, momentOf, type CourseTime } from './elapsed.ts';
import { episodesOf } from './episodes.ts';
import type { Timelines } from './kinds.ts';
import { Swatch } from './swatch.tsx';

interface CourseMomentProps {
  readonly timelines: Timelines;
  readonly shown: readonly number[];
  readonly labels: readonly string[];
  readonly at: number;
  readonly tolerated: number;
  readonly time: CourseTime;
  readonly onAt: (index: number) => void;
}

const episodesShown = 5;
const source = 'the rehearsal';
const headings = [
  { id: 'policy', title: 'Policy' },
  { id: 'wished', title: 'Wished', isNumber: true },
  { id: 'serving', title: 'Serving', isNumber: true },
  { id: 'missed', title: 'Missed', isNumber: true },
  { id: 'broken', title: 'Promise broken' },
];

export function CourseMoment({ timelines, shown, labels, at, tolerated, time, onAt }: CourseMomentProps): JSX.Element {
  const { load, policies, stretchSeconds } = timelines;
  return (
    <>
      <p class="muted">
        At that moment, mean of {words(stretchSeconds * 1000, 'ms')}:{' '}
        <Figure label="Load at that moment" value={load[at]} unit="req/s" source={source} /> come
      </p>
      <div class="scroller" tabIndex={0} role="region" aria-label="At that moment, a table">
        <table class="rehearsal-table" onKeyDown={moveAmongFigures}>
          <caption class="sr-only">What each policy holds at that moment, and when it broke the promise</caption>
          <TableHead headings={headings} />
          <tbody>
            {shown.map((index, place) => {
              const line = policies[index];
              const label = labels[index] ?? '';
              return (
                <tr key={index}>
                  <th scope="row" class="policy-name">
                    <Swatch place={place} /> {label}
                  </th>
                  <td class="number">
                    <Figure
                      label={`${label}: replicas wished`}
                      value={line?.target[at]}
                      unit="replicas"
                      source={source}
                    />
                  </td>
                  <td class="number">
                    <Figure
                      label={`${label}: replicas that serve`}
                      value={line?.serving[at]}
                      unit="replicas"
                      source={source}
                      inGrid
                    />
                  </td>
                  <td class="number">
                    <Figure label={`${label}: missed`} value={line?.missed[at]} unit="req/s" source={source} inGrid />
                  </td>
                  <td>
                    <Episodes timelines={timelines} policy={index} tolerated={tolerated} time={time} onAt={onAt} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface EpisodesProps {
  readonly timelines: Timelines;
  readonly policy: number;
  readonly tolerated: number;
  readonly time: CourseTime;
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
          for{' '}
          <Figure label="How long the promise was broken" value={(to - from) * 1000} unit="ms" source={source} inGrid />
          , <Figure label="Missed meanwhile" value={missed} unit="share" source={source} inGrid /> missed
        </li>
      ))}
      {found.length > episodesShown && <li class="muted">and {found.length - episodesShown} more</li>}
    </ul>
  );
}
