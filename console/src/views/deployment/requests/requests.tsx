/** Single requests that gateways remember, slowest first; each opens its way from arrival to the decision behind it. */
import type { JSX } from 'preact';
import type { RequestView } from '../../../../../src/api/request-schemas.ts';
import { deploymentPath } from '../../../api/caller.ts';
import { ask } from '../../../api/client.ts';
import { zoneName } from '../../../format/time.ts';
import { serverNow } from '../../../live/store.ts';
import { useResource } from '../../../live/use-resource.ts';
import { Badge } from '../../../parts/badge.tsx';
import { Figure } from '../../../parts/figure.tsx';
import { Moment } from '../../../parts/moment.tsx';
import { sorted, sortingOf, type Sorting } from '../../../parts/sorting.ts';
import { Async, Empty } from '../../../parts/states.tsx';
import { TableHead, type Heading } from '../../../parts/table-head.tsx';
import { address, choose } from '../../../router.ts';
import { zone } from '../../../settings.ts';
import type { ViewProps } from '../../../views.ts';
import { lengths, rangeOf, spanOf, toQuery, type Length } from '../range.ts';
import { RequestDrawer } from './request-drawer.tsx';
import '../../../styles/tables.css';
import './requests.css';

const limit = 50;
const everyMs = 5000;

export default function Requests({ params: { name = '' }, query }: ViewProps): JSX.Element {
  const range = rangeOf(query);
  const isLive = range.kind === 'live';
  const asked = useResource(
    `requests ${name} ${JSON.stringify(range)}`,
    (signal) => {
      const { from, to } = spanOf(range, serverNow());
      const span = { from: Math.round(from), to: Math.round(to), limit };
      return ask<RequestView[]>(`${deploymentPath(name)}/requests`, { query: span, signal });
    },
    isLive ? { everyMs } : {},
  );
  const trace = query['trace'];
  return (
    <section class="panel requests" aria-labelledby="requests">
      <div class="panel-head">
        <h2 id="requests">Slowest requests</h2>
        <div class="segments" role="group" aria-label="Span">
          {(Object.keys(lengths) as Length[]).map((length) => (
            <button
              key={length}
              type="button"
              class="button small"
              aria-pressed={isLive && range.length === length}
              onClick={() => choose(toQuery({ kind: 'live', length }))}
            >
              {length.replace('m', ' min').replace('h', ' h')}
            </button>
          ))}
        </div>
      </div>
      {range.kind === 'fixed' && (
        <p class="muted">
          <Moment at={range.from} /> to <Moment at={range.to} />
        </p>
      )}
      <Async of={asked} lines={8}>
        {(requests) =>
          requests.length === 0 ? (
            <None name={name} />
          ) : (
            <Table name={name} requests={requests} sorting={sortingOf(query)} />
          )
        }
      </Async>
      {trace !== undefined && (
        <RequestDrawer name={name} traceId={trace} onClose={() => choose({ trace: undefined })} />
      )}
    </section>
  );
}

function None({ name }: { readonly name: string }): JSX.Element {
  return (
    <Empty title="No request of this span is remembered." command={`flyball load ${name}`}>
      Gateways keep, for each minute, the slowest, all that failed and a sample, while they run. Choose a longer span,
      or send some.
    </Empty>
  );
}

interface TableProps {
  readonly name: string;
  readonly requests: readonly RequestView[];
  readonly sorting: Sorting;
}

/** Of those that are shown; which those are, their total decides. */
const values: Readonly<Record<string, (request: RequestView) => number | string | undefined>> = {
  at: ({ at }) => at,
  outcome: ({ status }) => status,
  total: ({ totalMs }) => totalMs,
  queue: ({ queueMs }) => queueMs,
  compute: ({ computeMs }) => computeMs,
  batch: ({ batch }) => batch?.rows,
  replica: ({ replica }) => replica,
};

function Table({ name, requests, sorting }: TableProps): JSX.Element {
  const headings: readonly Heading[] = [
    { id: 'trace', title: 'Trace' },
    { id: 'at', title: `Arrived (${zoneName(serverNow(), zone.value)})`, sorts: true },
    { id: 'outcome', title: 'Outcome', sorts: true },
    { id: 'total', title: 'Total', isNumber: true, sorts: true },
    { id: 'queue', title: 'Queue', isNumber: true, sorts: true },
    { id: 'compute', title: 'Compute', isNumber: true, sorts: true },
    { id: 'batch', title: 'Batch', isNumber: true, sorts: true },
    { id: 'replica', title: 'Replica', sorts: true },
  ];
  return (
    <>
      <table class="plain-table">
        <TableHead headings={headings} sorting={sorting} />
        <tbody>
          {sorted(requests, values[sorting.by], sorting.descending).map((request) => (
            <Row key={request.spanId} name={name} request={request} />
          ))}
        </tbody>
      </table>
      {requests.length === limit && <p class="muted">The slowest {limit} of the span.</p>}
    </>
  );
}

function Row({ name, request }: { readonly name: string; readonly request: RequestView }): JSX.Element {
  const { traceId, at, status, totalMs, queueMs, computeMs, batch, replica } = request;
  const ms = (label: string, value: number | undefined): JSX.Element => (
    <td class="number" data-label={label}>
      <Figure label={label} value={value ?? null} unit="ms" why={name} whyAt={Math.floor(at)} inGrid />
    </td>
  );
  return (
    <tr>
      <th scope="row">
        <a
          class="link"
          href={address(`/d/${encodeURIComponent(name)}`, { tab: 'requests', trace: traceId })}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
            event.preventDefault();
            choose({ tab: 'requests', trace: traceId });
          }}
        >
          <span class="sr-only">Request </span>
          <code>{traceId.slice(0, 12)}…</code>
        </a>
      </th>
      <td data-label="Arrived">
        <Moment at={at} bare />
      </td>
      <td data-label="Outcome">
        <Badge tone={status === 'ok' ? 'ok' : 'bad'} word={status} />
      </td>
      {ms('Total', totalMs)}
      {ms('Queue', queueMs)}
      {ms('Compute', computeMs)}
      <td class="number" data-label="Batch">
        {batch === undefined ? (
          <span class="muted">none</span>
        ) : (
          <>
            <Figure label="Batch" value={batch.rows} unit="rows" inGrid /> {batch.rows === 1 ? 'row' : 'rows'}
          </>
        )}
      </td>
      <td data-label="Replica">{replica === undefined ? <span class="muted">none</span> : <code>{replica}</code>}</td>
    </tr>
  );
}
