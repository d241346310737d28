/** What happened around a moment, and did one cause the other? Lanes over time, and under them every entry. */
import type { JSX } from 'preact';
import { connection, now, paused, serverNow, status } from '../../live/store.ts';
import { isLive } from '../../live/connection.ts';
import { valueOf } from '../../live/resource.ts';
import { Badge } from '../../parts/badge.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async, Empty } from '../../parts/states.tsx';
import { choose, type Params } from '../../router.ts';
import type { ViewProps } from '../../views.ts';
import { lengths, type Span } from '../deployment/range.ts';
import type { Filter } from './book.ts';
import { EntryDrawer } from './entry-drawer.tsx';
import { ExportButton } from './export-button.tsx';
import { Lanes } from './lanes.tsx';
import { kinds } from './lanes.ts';
import { EntryList } from './list.tsx';
import { chosen, lookedAt, type Looked } from './span.ts';
import { FilterTools, SpanTools } from './tools.tsx';
import { useBook } from './use-book.ts';
import { useLanes } from './use-lanes.ts';
import '../../styles/deployment.css';
import './timeline.css';

const oneOf = <Value extends string>(values: readonly Value[], text: string | undefined): Value | undefined =>
  values.find((value) => value === text);

export default function Timeline({ query }: ViewProps): JSX.Element {
  const looked = lookedAt(query, now.value);
  const { length, brush, moves } = looked;
  const kind = oneOf(kinds, query['kind']);
  const subject = query['subject'] === '' ? undefined : query['subject'];
  const deployments = (status.value?.deployments ?? []).map(({ name }) => name);
  const deployment = oneOf(deployments, subject) ?? oneOf(deployments, query['of']) ?? deployments[0];
  const windowNow = (): Span => lookedAt(query, serverNow()).window;
  const windowKey = moves ? length : `${looked.window.from} ${looked.window.to}`;
  const lanes = useLanes({ windowNow, moves, key: windowKey, kind, subject, deployment });
  const sliceKey = brush === undefined ? windowKey : `${brush.from} ${brush.to}`;
  const reading = useBook(`${sliceKey} ${kind} ${subject}`, (): Filter => {
    const { from, to } = brush ?? windowNow();
    return { subject, kind, since: Math.round(from), until: moves ? undefined : Math.round(to) };
  });
  const open = (id: number | undefined): void => choose({ entry: id === undefined ? undefined : String(id) });
  const shown = Number(query['entry']);
  const isEmpty = reading.book?.isStarted === true && reading.book.count === 0 && reading.book.pending === 0;
  return (
    <>
      <div class="page-head">
        <h1>Timeline</h1>
        <Liveness looked={looked} />
        <FilterTools key={subject} query={query} subjects={deployments} />
      </div>
      <section class="panel timeline-lanes" aria-label="Lanes over time">
        <SpanTools looked={looked}>
          {deployments.length > 1 && subject === undefined && <LoadOf deployments={deployments} chosen={deployment} />}
        </SpanTools>
        <Async of={lanes.asking} lines={7}>
          {() => (
            <Lanes
              looked={looked}
              entries={lanes.entries}
              since={lanes.since}
              series={valueOf(lanes.series.resource)}
              deployment={deployment}
              onBrush={(to) => choose(to === undefined ? unbrushed(looked) : chosen(to, looked))}
              onOpen={({ id }) => open(id)}
            />
          )}
        </Async>
      </section>
      <section class="panel timeline-entries" aria-labelledby="entries">
        <div class="panel-head">
          <h2 id="entries">
            {brush === undefined ? 'Entries' : 'Entries of the slice'}
            {brush !== undefined && (
              <span class="muted slice-words">
                {' '}
                <Moment at={brush.from} /> to <Moment at={brush.to} />{' '}
                <button type="button" class="link" onClick={() => choose(unbrushed(looked))}>
                  whole window
                </button>
              </span>
            )}
          </h2>
          <ExportButton slice={() => brush ?? windowNow()} />
        </div>
        {isEmpty ? (
          <Nothing query={query} moves={moves} />
        ) : (
          <EntryList
            key={`${sliceKey} ${kind} ${subject}`}
            reading={reading}
            search={query['q'] ?? ''}
            to={brush?.to ?? looked.window.to}
            onOpen={({ id }) => open(id)}
          />
        )}
      </section>
      {Number.isSafeInteger(shown) && shown > 0 && (
        <EntryDrawer key={shown} id={shown} onOpen={open} onClose={() => open(undefined)} />
      )}
    </>
  );
}

/** The window stays; it moves again where it had never been held. */
function unbrushed({ window, moves }: Looked): Readonly<Record<string, string | undefined>> {
  return { from: undefined, to: undefined, until: moves ? undefined : String(Math.round(window.to)) };
}

function Liveness({ looked: { moves } }: { readonly looked: Looked }): JSX.Element {
  if (!moves) return <Badge tone="quiet" word="a past window" />;
  if (!isLive(connection.value)) return <Badge tone="bad" word="not connected" />;
  return paused.value ? <Badge tone="warn" word="paused" /> : <Badge tone="ok" word="as it happens" />;
}

interface LoadOfProps {
  readonly deployments: readonly string[];
  readonly chosen: string | undefined;
}

const offeredMax = 200;

function LoadOf({ deployments, chosen }: LoadOfProps): JSX.Element {
  return (
    <label class="field inline load-of">
      <span>Load of</span>
      {deployments.length > offeredMax ? (
        // A thousand options are slow to build, and nobody reads them: the name is typed.
        <input
          type="text"
          list="timeline-subjects"
          value={chosen}
          onChange={({ currentTarget: { value } }) => choose({ of: value })}
        />
      ) : (
        <select value={chosen} onChange={({ currentTarget: { value } }) => choose({ of: value })}>
          {deployments.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
    </label>
  );
}

function Nothing({ query, moves }: { readonly query: Params; readonly moves: boolean }): JSX.Element {
  const isFiltered = (query['kind'] ?? '') !== '' || (query['subject'] ?? '') !== '';
  if (isFiltered)
    return (
      <Empty title="No entry of this span has this kind and subject.">
        <button type="button" class="button" onClick={() => choose({ kind: '', subject: '' })}>
          Show every kind and subject
        </button>
      </Empty>
    );
  if (!moves)
    return (
      <Empty title="Nothing was written in this span.">
        The journal tells of decisions, replicas, alerts and what people do, as long as it is kept. Choose another span.
      </Empty>
    );
  return (
    <Empty
      title={`Nothing was written in the last ${wordsOf(query['range'])}.`}
      command="flyball load digits --callers 32"
    >
      The journal tells of decisions, replicas, alerts and what people do. Choose a longer span, or give it something to
      decide.
    </Empty>
  );
}

function wordsOf(range: string | undefined): string {
  const length = oneOf(Object.keys(lengths), range) ?? '1h';
  return length.replace('m', ' minutes').replace('h', length === '1h' ? ' hour' : ' hours');
}
