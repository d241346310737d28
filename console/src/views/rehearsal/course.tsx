/** How it went: load, replicas and misses on one axis, and a moment that can be moved along it, by hand or by itself. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { labelOf } from '../../../../src/rehearsal/report/verdict.ts';
import { choose, type Params } from '../../router.ts';
import { zone } from '../../settings.ts';
import { CourseLanes } from './course-lanes.tsx';
import { CourseMoment } from './course-moment.tsx';
import { momentOf } from './elapsed.ts';
import type { Rehearsal, Timelines } from './kinds.ts';
import { Scrubber } from './scrubber.tsx';
import { dashes, Swatch } from './swatch.tsx';

interface CourseProps {
  readonly rehearsal: Rehearsal;
  readonly timelines: Timelines;
  readonly own: number | undefined;
  readonly query: Params;
}

export function Course({ rehearsal, timelines, own, query }: CourseProps): JSX.Element {
  const { report, tolerated } = rehearsal;
  const { load, stretchSeconds, policies, from } = timelines;
  const first = [...new Set([own ?? 0, 0, 1, 2])].filter((index) => index < policies.length).slice(0, 3);
  const chosen = query['show'] === undefined ? first : query['show'].split(',').map(Number);
  const shown = chosen.filter((index) => policies[index] !== undefined).slice(0, dashes.length);
  const [at, setAt] = useState(() => peakOf(load));
  const labels = report.policies.map(labelOf);
  const time = { trace: report.trace, from, zone: zone.value };
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
                disabled={place === -1 && shown.length >= dashes.length}
                onChange={({ currentTarget }) => toggle(index, currentTarget.checked)}
              />
              {place !== -1 && <Swatch place={place} />}
              {label}
            </label>
          );
        })}
      </fieldset>
      <CourseLanes timelines={timelines} shown={shown} at={at} labels={labels} trace={report.trace} onAt={setAt} />
      <Scrubber at={at} last={load.length - 1} onAt={setAt} said={momentOf(time, at * stretchSeconds)} />
      <CourseMoment
        timelines={timelines}
        shown={shown}
        labels={labels}
        at={at}
        tolerated={tolerated}
        time={time}
        onAt={setAt}
      />
    </section>
  );
}

const peakOf = (load: readonly number[]): number => {
  const most = Math.max(...load);
  return Math.max(0, load.indexOf(most));
};
