/** One rehearsal: what it says, who stood how, how it went over time, and whether its deployment may be armed by it. */
import type { JSX } from 'preact';
import { replicaHours } from '../../../../src/rehearsal/report/verdict.ts';
import { ask, segment } from '../../api/client.ts';
import { useResource } from '../../live/use-resource.ts';
import { Badge } from '../../parts/badge.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async } from '../../parts/states.tsx';
import type { Params } from '../../router.ts';
import { words } from '../../format/quantity.ts';
import { Arming } from './arming.tsx';
import { Course } from './course.tsx';
import type { Rehearsal } from './kinds.ts';
import { ownOf } from './own.ts';
import { ParetoPicture } from './pareto-picture.tsx';
import { PolicyTable } from './policy-table.tsx';

export function OneRehearsal({ id, query }: { readonly id: string; readonly query: Params }): JSX.Element {
  // Whether a mode may rest on it changes with its deployment, so it is asked again.
  const asked = useResource(`rehearsal ${id}`, (signal) => ask<Rehearsal>(`/rehearsals/${segment(id)}`, { signal }), {
    everyMs: 15_000,
  });
  return (
    <>
      <div class="page-head">
        <h1>
          <a class="rehearsal-back" href="/rehearsal">
            Rehearsal
          </a>{' '}
          {id}
        </h1>
      </div>
      <Async of={asked} lines={8}>
        {(rehearsal) => <Shown rehearsal={rehearsal} query={query} again={asked.again} />}
      </Async>
    </>
  );
}

interface ShownProps {
  readonly rehearsal: Rehearsal;
  readonly query: Params;
  readonly again: () => void;
}

function Shown({ rehearsal, query, again }: ShownProps): JSX.Element {
  const { report, verdict, timelines, tolerated } = rehearsal;
  const own = ownOf(rehearsal);
  return (
    <div class="rehearsal-one">
      <div class="rehearsal-top">
        <section class="panel" aria-labelledby="rehearsal-says">
          <h2 id="rehearsal-says">What it says</h2>
          <ul class="plain rehearsal-verdict">
            {verdict.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          <Setting rehearsal={rehearsal} />
        </section>
        <Arming rehearsal={rehearsal} onArmed={again} />
      </div>
      <section class="panel" aria-labelledby="rehearsal-policies">
        <h2 id="rehearsal-policies">Policies against each other</h2>
        <div class="rehearsal-against">
          <PolicyTable rehearsal={rehearsal} own={own} query={query} />
          <ParetoPicture report={report} tolerated={tolerated} own={own} />
        </div>
      </section>
      {timelines === undefined ? (
        <section class="panel" aria-labelledby="rehearsal-course">
          <h2 id="rehearsal-course">How it went</h2>
          <p class="muted">
            Its course over time was not kept: it was made by an earlier release, or tried more policies than are kept
            with theirs.
          </p>
        </section>
      ) : (
        <Course rehearsal={rehearsal} timelines={timelines} own={own} query={query} />
      )}
    </div>
  );
}

function Setting({ rehearsal }: { readonly rehearsal: Rehearsal }): JSX.Element {
  const {
    deployment,
    report,
    setting,
    faults = [],
    notes = [],
    by,
    at,
    build,
    arming,
    tolerated,
    min,
    max,
  } = rehearsal;
  const { objective } = rehearsal;
  const isSame = build === arming.build;
  return (
    <>
      <dl class="facts rehearsal-facts">
        <Fact name="Deployment">
          <a href={`/d/${segment(deployment)}`}>{deployment}</a>, {min} to {max} replicas
        </Fact>
        <Fact name="Load">
          {report.trace}: {words(report.requests, 'requests')} requests in {words(report.simulatedSeconds * 1000, 'ms')}
        </Fact>
        <Fact name="Promise">
          {objective === undefined
            ? `at most ${words(tolerated, 'share')} missed`
            : `within ${words(objective.latencyMs, 'ms')} for all but ${words(tolerated, 'share')}`}
        </Fact>
        <Fact name="Goes wrong">
          {faults.length === 0
            ? 'nothing'
            : faults
                .map(({ name, parameters }) =>
                  [name, ...Object.entries(parameters).map(([key, value]) => `${key}=${String(value)}`)].join(' '),
                )
                .join(', ')}
        </Fact>
        <Fact name="Least possible">
          {replicaHours(report.clairvoyant.replicaSeconds)} replica-hours, knowing the future
        </Fact>
        <Fact name="Seed">{report.seed}</Fact>
        <Fact name="Decision code">
          {build === undefined ? (
            <Badge tone="quiet" word="it does not say by which it was made" />
          ) : (
            <>
              <code>{build}</code>{' '}
              {isSame ? (
                <Badge tone="ok" word="the same as runs here" />
              ) : (
                <Badge tone="warn" word={`here runs ${arming.build}`} />
              )}
            </>
          )}
        </Fact>
        <Fact name="Made">
          <Moment at={at} relative /> by {by}, in {words(report.wallSeconds * 1000, 'ms')}
        </Fact>
      </dl>
      <details class="rehearsal-details">
        <summary>Setting and assumptions</summary>
        <p>{setting}.</p>
        {notes.length > 0 && (
          <ul>
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        )}
      </details>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
