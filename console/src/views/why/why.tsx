/** Why a deployment has the replicas that it has, and not others: the whole decision, of now or of an earlier moment. */
import type { JSX } from 'preact';
import type { JournalEntryView, WhyView } from '../../../../src/api/schemas.ts';
import { whyNot } from '../../../../src/api/why-not.ts';
import { ask, segment } from '../../api/client.ts';
import { serverNow } from '../../live/store.ts';
import { useResource } from '../../live/use-resource.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { whyAddress } from '../../parts/figure.tsx';
import { Moment } from '../../parts/moment.tsx';
import { NextWords } from '../../parts/next-hint.tsx';
import { Async, Command, Empty } from '../../parts/states.tsx';
import type { ViewProps } from '../../views.ts';
import { CaseButton } from './case-button.tsx';
import { doneWords, headline } from './chain.ts';
import { Observed } from './observed.tsx';
import { Policies } from './policies.tsx';
import { Predicted } from './predicted.tsx';
import { Section } from './section.tsx';
import { Bounds, Waterfall } from './waterfall.tsx';
import '../../styles/tables.css';
import './why.css';

const verdictTones: Readonly<Record<string, Tone>> = {
  helped: 'ok',
  'no help': 'bad',
  harmed: 'bad',
  'not ready': 'warn',
};

export default function Why({ params, query }: ViewProps): JSX.Element {
  const { name = '' } = params;
  const at = query['at'];
  const asked = useResource(
    `why ${name} ${at ?? ''}`,
    (signal) => ask<WhyView>(`/deployments/${segment(name)}/why`, { query: { at }, signal }),
    // A past decision does not change any more.
    at === undefined ? { everyMs: 2000 } : {},
  );
  const { kind } = asked.resource;
  return (
    <>
      {(kind === 'loading' || kind === 'failed') && (
        <div class="page-head">
          <h1>Why {name}</h1>
        </div>
      )}
      <Async of={asked}>{(why) => <Decision why={why} isNow={at === undefined} />}</Async>
    </>
  );
}

function Decision({ why, isNow }: { readonly why: WhyView; readonly isNow: boolean }): JSX.Element {
  const {
    deployment,
    decision,
    inputs,
    forecasts,
    others = [],
    done,
    still,
    change,
    verdict,
    governor,
    halt,
    ungoverned,
  } = why;
  const at = why.at ?? change?.at;
  const entry = why.entry ?? change?.id;
  return (
    <>
      <div class="page-head">
        <h1>{headline(why)}</h1>
        <p class="summary">
          {at !== undefined && <Moment at={at} relative />}
          {isNow && ' · now'}
          {entry !== undefined && ` · entry ${entry}`}
        </p>
        <p class="tools">
          <a class="button" href={`/d/${encodeURIComponent(deployment)}`}>
            {deployment}
          </a>
          {!isNow && (
            <a class="button" href={whyAddress(deployment)}>
              Now
            </a>
          )}
          {at !== undefined && <CaseButton deployment={deployment} at={at} />}
        </p>
      </div>
      <Neighbours deployment={deployment} at={at ?? serverNow()} />
      {ungoverned !== undefined && <Empty title="There is no decision about it.">{ungoverned}</Empty>}
      {decision !== undefined && (
        <>
          {decision.doubt !== undefined && (
            <p class="note">
              <Badge tone="warn" word="in doubt" /> {decision.doubt}
            </p>
          )}
          {decision.unsound.map((problem) => (
            <p key={problem} class="note">
              <Badge tone="bad" word="policy not listened to" /> {problem}
            </p>
          ))}
        </>
      )}
      <div class="chain">
        {inputs !== undefined && (
          <Section id="observed" name="Observed" question="What was known, how old was it, and may it be believed?">
            <Observed why={{ ...why, inputs }} />
          </Section>
        )}
        {forecasts !== undefined && (
          <Section id="predicted" name="Predicted" question="What comes next, and who has earned to be believed?">
            <Predicted forecasts={forecasts} />
          </Section>
        )}
        {decision !== undefined && (
          <>
            <Section id="proposed" name="Proposed" question="What did each policy ask for?">
              <Policies said={decision.said} target={decision.target} />
            </Section>
            <Section id="cut" name="Agreed and cut" question="What became of the wish, and which bound bit?">
              <Waterfall decision={decision} />
              <Bounds decision={decision} />
              {whyNot(why).map(({ question, answer }) => (
                <p key={question} class="why-not">
                  <strong>{question === 'not fewer' ? 'Why not fewer?' : 'Why not more?'}</strong> {answer}
                </p>
              ))}
            </Section>
          </>
        )}
        <Section id="executed" name="Executed" question="What was done, and who may do it?">
          {done !== undefined && (
            <p>
              <strong>{doneWords[done.kind]}</strong>: {done.why}
            </p>
          )}
          {still !== undefined && (
            <p>
              Why nothing is done: <Badge tone="quiet" word={still.kind} /> {still.reason}
              {still.by !== undefined && <span class="muted"> (by {still.by})</span>}
            </p>
          )}
          {change !== undefined && (
            <p>
              Last change: {change.action} at <Moment at={change.at} relative /> (entry {change.id}).{' '}
              <span class="muted">{change.reason}</span>
            </p>
          )}
          <p class="muted">
            Mode {governor.mode}, by {governor.modeBy}: {governor.modeReason}
          </p>
          {halt !== undefined && (
            <p>
              <Badge tone="bad" word="halted" /> by {halt.by}: {halt.reason}
            </p>
          )}
        </Section>
        <Section id="verified" name="Verified" question="Did it do what it was for?">
          {verdict === undefined ? (
            <p class="muted">
              Nothing has been judged yet: a change is judged once its lag and eight seconds have passed.
            </p>
          ) : (
            <p>
              <Badge tone={verdictTones[verdict.kind] ?? 'quiet'} word={verdict.kind} /> {verdict.reason}{' '}
              <span class="muted">
                <Moment at={verdict.at} relative />, entry {verdict.entry}
              </span>
            </p>
          )}
        </Section>
        {isNow && governor.next !== undefined && (
          <Section id="next" name="Next" question="What comes next, if the load stays as it is?">
            <NextWords next={governor.next} />
          </Section>
        )}
        {others.length > 0 && (
          <Section id="others" name="Others" question="What would HPA, KPA, Ray and the 80/40 thresholds have held?">
            <Policies said={others} target={decision?.target ?? why.desired} />
          </Section>
        )}
        {entry !== undefined && (
          <Section id="again" name="Again" question="Does the same input give the same decision?">
            <Command text={`flyball journal replay ${entry}`} />
          </Section>
        )}
      </div>
    </>
  );
}

/** The decisions before and after, so that a story can be read through. */
function Neighbours({ deployment, at }: { readonly deployment: string; readonly at: number }): JSX.Element | null {
  const of = { subject: deployment, kind: 'decision' };
  const asked = useResource(`neighbours ${deployment} ${at}`, async (signal) => {
    const entries = (query: Record<string, string | number>): Promise<JournalEntryView[]> =>
      ask('/journal', { query: { ...of, ...query }, signal });
    const [before, after] = await Promise.all([
      entries({ until: Math.round(at) - 1, order: 'newest', limit: 1 }),
      entries({ since: Math.round(at) + 1, order: 'oldest', limit: 1 }),
    ]);
    return { before: before[0], after: after[0] };
  });
  if (asked.resource.kind !== 'ready') return null;
  const { before, after } = asked.resource.value;
  const link = (entry: JournalEntryView | undefined, word: string): JSX.Element =>
    entry === undefined ? (
      <span class="muted">{word === 'before' ? '← nothing before' : 'nothing after →'}</span>
    ) : (
      <a href={whyAddress(deployment, entry.at)}>
        {word === 'before' && '← '}
        {entry.action} <Moment at={entry.at} />
        {word === 'after' && ' →'}
      </a>
    );
  return (
    <nav class="neighbours" aria-label="Decisions before and after">
      {link(before, 'before')}
      {link(after, 'after')}
    </nav>
  );
}
