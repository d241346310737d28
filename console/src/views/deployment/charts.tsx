/** Four charts under one cursor, their span and what is shown on them; all of it is in the address. */
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { DeploymentView, JournalEntryView, WhyView } from '../../../../src/api/schemas.ts';
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import { deploymentPath } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { Chart } from '../../charts/chart.tsx';
import { cursorAt } from '../../charts/cursor.ts';
import { journal, serverNow } from '../../live/store.ts';
import { useResource, type Asking } from '../../live/use-resource.ts';
import { valueOf } from '../../live/resource.ts';
import { Between } from '../../parts/between.tsx';
import { Async } from '../../parts/states.tsx';
import { choose, type Params } from '../../router.ts';
import { zone } from '../../settings.ts';
import { merged } from '../now/merged.ts';
import { isLength, lengths, moved, problemOf, rangeOf, spanOf, stepMsFor, toQuery } from './range.ts';
import type { Length, Range, Span } from './range.ts';
import { latency, replicas, requests, waiting, type Seen } from './models.ts';

interface ChartsProps {
  readonly deployment: DeploymentView;
  readonly query: Params;
  readonly why: Asking<WhyView>;
}

const kinds = new Set(['decision', 'approval', 'change', 'mode', 'halt']);
const liveEveryMs = 2000;

export function Charts({ deployment, query, why }: ChartsProps): JSX.Element {
  const { name } = deployment;
  const range = rangeOf(query);
  const others = query['others'] === '1';
  const isLive = range.kind === 'live';
  const key = `${name} ${JSON.stringify(range)}`;
  const stepMs = stepMsFor(spanOf(range, serverNow()));
  const series = useResource(
    `series ${key}`,
    (signal) => {
      const { from, to } = spanOf(range, serverNow());
      const query = { from: Math.round(from), to: Math.round(to), stepMs };
      return ask<SeriesView>(`${deploymentPath(name)}/series`, { query, signal });
    },
    isLive ? { everyMs: Math.max(liveEveryMs, stepMs / 2) } : {},
  );
  const past = useResource(`entries ${key}`, (signal) => {
    const { from, to } = spanOf(range, serverNow());
    const query = { subject: name, since: Math.round(from), until: Math.round(to), order: 'newest', limit: 500 };
    return ask<JournalEntryView[]>('/journal', { query, signal });
  });
  useEffect(() => () => void (cursorAt.value = undefined), []);
  const told = journal.value;
  const entries = useMemo(
    () => merged(valueOf(past.resource) ?? [], told, ({ subject, kind }) => subject === name && kinds.has(kind)),
    [past.resource, told, name],
  );
  const change = (to: Range): void => choose(toQuery(to));
  return (
    <section class="panel charts" aria-labelledby="over-time">
      <h2 id="over-time" class="sr-only">
        Over time
      </h2>
      <div class="chart-tools">
        <div class="segments" role="group" aria-label="Span">
          {(Object.keys(lengths) as Length[]).map((length) => (
            <button
              key={length}
              type="button"
              class="button small"
              aria-pressed={isLive && range.length === length}
              onClick={() => isLength(length) && change({ kind: 'live', length })}
            >
              {length.replace('m', ' min').replace('h', ' h')}
            </button>
          ))}
        </div>
        <div class="segments" role="group" aria-label="Move">
          <button type="button" class="button small" onClick={() => change(moved(range, -1, serverNow()))}>
            ◀ Earlier
          </button>
          <button
            type="button"
            class="button small"
            disabled={isLive}
            onClick={() => change(moved(range, 1, serverNow()))}
          >
            Later ▶
          </button>
        </div>
        {/* A field that is being typed in must not be overtaken by the time. */}
        <Between
          key={`${JSON.stringify(range)} ${zone.value}`}
          span={spanOf(range, serverNow())}
          onSpan={(span) => {
            const problem = problemOf(span);
            if (problem === undefined) change({ kind: 'fixed', ...span });
            return problem;
          }}
        />
        {!isLive && (
          <button type="button" class="button small" onClick={() => change({ kind: 'live', length: '15m' })}>
            Back to now
          </button>
        )}
        <label class="check switch">
          <input
            type="checkbox"
            role="switch"
            checked={others}
            onChange={({ currentTarget }) => choose({ others: currentTarget.checked ? '1' : undefined })}
          />
          What HPA, KPA, Ray and 80/40 would have held
        </label>
      </div>
      <Async of={series} lines={12}>
        {(value) => (
          <Four
            seen={{
              series: value,
              deployment,
              entries,
              why: isLive ? valueOf(why.resource) : undefined,
              others,
            }}
            onSpan={(span) => problemOf(span) === undefined && change({ kind: 'fixed', ...span })}
          />
        )}
      </Async>
      <p class="legend">
        <span>▲ target raised</span> <span>▼ lowered</span>{' '}
        <span>❘ changed by a person: mode, stop, version, size</span>
        <span>← → move the cursor; shift with them, or dragging, chooses a span</span>
      </p>
    </section>
  );
}

interface FourProps {
  readonly seen: Seen;
  readonly onSpan: (span: Span) => void;
}

function Four({ seen, onSpan }: FourProps): JSX.Element {
  const { series, entries, why, others, deployment } = seen;
  const [min, max, slo] = [deployment.min, deployment.max, deployment.sloP99Ms];
  // Not at every status: it comes each second, and says nothing of what is drawn.
  const models = useMemo(
    () => [requests(seen), latency(seen), waiting(seen), replicas(seen)],
    [series, entries, why, others, min, max, slo],
  );
  return (
    <>
      {models.map((model) => (
        <Chart key={model.id} model={model} onSpan={onSpan} />
      ))}
    </>
  );
}
