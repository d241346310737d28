/** Below the table: what was decided in the last half hour, what waits, what is being done, what to know. */
import type { JSX } from 'preact';
import type { JournalEntryView, OperationView } from '../../../../src/api/schemas.ts';
import { ask } from '../../api/client.ts';
import { journal, serverNow, status } from '../../live/store.ts';
import { useResource } from '../../live/use-resource.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { whyAddress } from '../../parts/figure.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async, Empty } from '../../parts/states.tsx';
import { open } from '../../shortcuts.ts';
import { Channels } from './channels.tsx';
import { DecisionLane } from './lane.tsx';
import { merged } from './merged.ts';

const laneMs = 1_800_000;
const listMax = 8;
const operationTones: Readonly<Record<OperationView['state'], Tone>> = {
  running: 'busy',
  succeeded: 'ok',
  failed: 'bad',
};

export function Happenings(): JSX.Element {
  return (
    <div class="happenings">
      <Decisions />
      <div class="side">
        <Attention />
        <Operations />
        <Channels />
      </div>
    </div>
  );
}

function Decisions(): JSX.Element {
  const past = useResource(
    'lane',
    (signal) =>
      ask<JournalEntryView[]>('/journal', {
        query: { kind: 'decision', since: Math.round(serverNow() - laneMs), order: 'newest', limit: 200 },
        signal,
      }),
    {},
  );
  return (
    <section class="panel" aria-labelledby="decisions">
      <h2 id="decisions">Decisions of the last 30 minutes</h2>
      <Async of={past}>
        {(entries) => {
          const all = merged(entries, journal.value, ({ kind }) => kind === 'decision');
          const newest = all.slice(-listMax).toReversed();
          return (
            <>
              <DecisionLane entries={all} spanMs={laneMs} />
              {newest.length === 0 ? (
                <Empty title="Nothing was decided." command="flyball load digits --callers 32">
                  The governor decides once there is load and a deployment that may grow.
                </Empty>
              ) : (
                <ol class="plain feed">
                  {newest.map(({ id, at, action, subject, reason }) => (
                    <li key={id}>
                      <span class="feed-time">
                        <Moment at={at} bare />
                      </span>
                      <span class="feed-text">
                        <a href={whyAddress(subject, at)} data-why={subject}>
                          {subject} {action}
                        </a>{' '}
                        <span class="muted">{reason}</span>
                      </span>
                    </li>
                  ))}
                </ol>
              )}
            </>
          );
        }}
      </Async>
    </section>
  );
}

function Attention(): JSX.Element {
  const { warnings = [], governor } = status.value ?? {};
  const approvals = governor?.approvals ?? [];
  const isQuiet = approvals.length === 0 && warnings.length === 0;
  return (
    <section class="panel" aria-labelledby="attention">
      <h2 id="attention">Needs you</h2>
      {isQuiet && (
        <p class="muted">
          <Badge tone="ok" word="nothing" />
        </p>
      )}
      <ul class="plain attention">
        {approvals.map(({ id, deployment, from, to, expiresAt }) => (
          <li key={id}>
            <Badge tone="warn" word="approval" />{' '}
            <button type="button" class="link" onClick={() => (open.value = 'approvals')}>
              {deployment}: {from} → {to}
            </button>{' '}
            <span class="muted">
              until <Moment at={expiresAt} />
            </span>
          </li>
        ))}
        {warnings.map((warning) => (
          <li key={warning}>
            <Badge tone="warn" word="warning" /> {warning}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Operations(): JSX.Element {
  // They are asked again whenever something was written about one.
  const newest = journal.value.findLast(({ kind }) => kind === 'change')?.id ?? 0;
  const asked = useResource(`operations ${newest}`, (signal) => ask<OperationView[]>('/operations', { signal }), {
    everyMs: 5000,
  });
  return (
    <section class="panel" aria-labelledby="operations">
      <h2 id="operations">Operations</h2>
      <Async of={asked} lines={1}>
        {(operations) =>
          operations.length === 0 ? (
            <p class="muted">Nobody has asked for anything lately.</p>
          ) : (
            <ul class="plain attention">
              {operations.slice(0, 5).map(({ id, kind, subject, state, by, startedAt, error }) => (
                <li key={id}>
                  <Badge tone={operationTones[state]} word={state} /> {kind} {subject}{' '}
                  <span class="muted">
                    by {by}, <Moment at={startedAt} relative />
                    {error !== undefined && `: ${error.detail}`}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Async>
    </section>
  );
}
