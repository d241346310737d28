/** One request by its trace: queue, batch and its mates, replica, and the decision that had sized its deployment. */
import type { JSX } from 'preact';
import type { RequestView, TraceView } from '../../../../../src/api/request-schemas.ts';
import type { JournalEntryView } from '../../../../../src/api/schemas.ts';
import { ask, segment } from '../../../api/client.ts';
import { words } from '../../../format/quantity.ts';
import { useResource } from '../../../live/use-resource.ts';
import { Badge } from '../../../parts/badge.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { whyAddress } from '../../../parts/figure.tsx';
import { Moment } from '../../../parts/moment.tsx';
import { Async } from '../../../parts/states.tsx';
import { choose } from '../../../router.ts';
import { StageBar } from './stage-bar.tsx';
import { stagesOf } from './stages.ts';

interface RequestDrawerProps {
  readonly name: string;
  readonly traceId: string;
  readonly onClose: () => void;
}

const doors: Readonly<Record<RequestView['protocol'], string>> = {
  rest: 'V2 over REST',
  grpc: 'V2 over gRPC',
  torchserve: '/predictions',
};
const kept: Readonly<Record<RequestView['kept'], string>> = {
  failed: 'it failed',
  slow: 'it was among the slowest of its minute',
  asked: 'its caller records it',
  sample: 'by chance, as a sample',
};

export function RequestDrawer({ name, traceId, onClose }: RequestDrawerProps): JSX.Element {
  const asked = useResource(`trace ${traceId}`, (signal) =>
    ask<TraceView>(`/requests/${segment(traceId)}`, { signal }),
  );
  return (
    <Dialog title="One request" drawer onClose={onClose}>
      <p>
        Trace <code class="trace">{traceId}</code>
      </p>
      <Async of={asked} lines={8}>
        {({ requests }) => requests.map((request) => <Way key={request.spanId} name={name} request={request} />)}
      </Async>
    </Dialog>
  );
}

function Way({ name, request }: { readonly name: string; readonly request: RequestView }): JSX.Element {
  const { at, status, message, protocol, version, by, requestId, totalMs, queueMs, callMs, batch, replica } = request;
  return (
    <ol class="plain request-way">
      <li>
        <h3>Request</h3>
        <p>
          <Badge tone={status === 'ok' ? 'ok' : 'bad'} word={status} /> after <b>{words(totalMs, 'ms')}</b>, arrived{' '}
          <Moment at={at} relative /> by {doors[protocol]}
          {by !== undefined && ` from ${by}`}, for {request.deployment} version {version}
        </p>
        {message !== undefined && <p class="bad-text">{message}</p>}
        <p class="muted">
          Request id <code>{requestId}</code>; remembered because {kept[request.kept]}.
        </p>
        <StageBar stages={stagesOf(request)} totalMs={totalMs} />
      </li>
      <li>
        <h3>Queue</h3>
        <p>It waited {words(queueMs, 'ms')}.</p>
      </li>
      <li>
        <h3>Batch</h3>
        {batch === undefined ? <p>It was part of none.</p> : <Batch batch={batch} />}
      </li>
      <li>
        <h3>Replica</h3>
        {replica === undefined ? (
          <p>It reached none.</p>
        ) : (
          <p>
            <code>{replica}</code>
            {callMs !== undefined && `, a call of ${words(callMs, 'ms')}`}
            {request.waitMs !== undefined && `, ${words(request.waitMs, 'ms')} of it behind other calls`}
            {request.computeMs !== undefined && `, ${words(request.computeMs, 'ms')} computing`}
          </p>
        )}
      </li>
      <li>
        <h3>The decision in force</h3>
        <Decision name={request.deployment === '' ? name : request.deployment} at={at} entry={request.decision} />
      </li>
    </ol>
  );
}

function Batch({
  batch: { id, rows, requests, mates },
}: {
  readonly batch: NonNullable<RequestView['batch']>;
}): JSX.Element {
  return (
    <>
      <p>
        <code>{id}</code>: {rows} {rows === 1 ? 'row' : 'rows'} of {requests} {requests === 1 ? 'request' : 'requests'}
      </p>
      {mates.length === 0 ? (
        <p class="muted">It was alone.</p>
      ) : (
        <>
          <p class="muted">With it, if they are remembered:</p>
          <p class="mates">
            {mates.map((mate) => (
              <button key={mate} type="button" class="link" onClick={() => choose({ trace: mate })}>
                <code>{mate.slice(0, 12)}…</code>
              </button>
            ))}
          </p>
        </>
      )}
    </>
  );
}

interface DecisionProps {
  readonly name: string;
  readonly at: number;
  readonly entry: number | null;
}

function Decision({ name, at, entry }: DecisionProps): JSX.Element {
  if (entry === null)
    return (
      <p>
        The journal holds none of before it.{' '}
        <a class="button small" href={whyAddress(name, Math.floor(at))}>
          Why this capacity then?
        </a>
      </p>
    );
  return <InForce name={name} entry={entry} />;
}

function InForce({ name, entry }: { readonly name: string; readonly entry: number }): JSX.Element {
  const asked = useResource(`entry ${entry}`, (signal) => ask<JournalEntryView>(`/journal/${entry}`, { signal }));
  return (
    <Async of={asked} lines={2}>
      {({ at, action, reason }) => (
        <>
          <p>
            Entry {entry}, <Moment at={at} relative />: {action}
            {reason !== '' && `, because ${reason}`}
          </p>
          <p>
            <a class="button small" href={whyAddress(name, at)}>
              Why {name} had this size
            </a>
          </p>
        </>
      )}
    </Async>
  );
}
