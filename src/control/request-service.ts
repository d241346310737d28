/**
 * Single requests as the API asks for them: what the gateways remember, each with the decision that had sized its
 * deployment when it came.
 */
import type { RequestView } from '../api/request-schemas.ts';
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { RequestSpan } from '../telemetry/spans/span.ts';
import type { ControlService } from './control-service.ts';
import type { Deployments } from './deployments.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import type { DecisionDetails } from './governor/governed.ts';

export interface RequestParts {
  readonly channel: Pick<GatewayChannel, 'spans'>;
  readonly deployments: Pick<Deployments, 'get'>;
  readonly store: Pick<Store, 'journal'>;
  readonly clock: Pick<Clock, 'wall'>;
}

const hourMs = 3_600_000;
const pageLength = 200;
/** Decisions looked through for one answer; requests before the oldest of them are looked up one by one. */
const pagesMax = 10;
/** Requests of one trace in an answer. */
const ofTraceMax = 200;

export function requestService(parts: RequestParts): Pick<ControlService, 'requests' | 'trace'> {
  const { channel, deployments, store, clock } = parts;

  async function withDecisions(spans: readonly RequestSpan[]): Promise<RequestView[]> {
    const byDeployment = Map.groupBy(spans, ({ deployment }) => deployment);
    const decided = new Map<RequestSpan, number>();
    for (const [name, its] of byDeployment) {
      for (const [span, id] of await decisionsAt(store, name, its)) decided.set(span, id);
    }
    return spans.map((span) => toView(span, decided.get(span)));
  }

  return {
    async requests(name, { from, to = clock.wall(), limit }) {
      deployments.get(name);
      const since = from ?? Math.max(0, to - hourMs);
      if (since >= to) throw new FlyballError('INVALID_REQUEST', `expected from before to, got ${since} and ${to}`);
      const { spans } = await channel.spans({ deployment: name, from: since, to, limit });
      return withDecisions(spans);
    },
    async trace(traceId, isShown) {
      if (!/^[0-9a-f]{32}$/.test(traceId))
        throw new FlyballError('INVALID_REQUEST', `expected a trace id of 32 hexadecimal digits, got ${traceId}`);
      const { spans, silent } = await channel.spans({ traceId, limit: ofTraceMax });
      const shown = spans.filter(({ deployment }) => isShown(deployment)).toSorted((left, right) => left.at - right.at);
      if (shown.length > 0) return { traceId, requests: await withDecisions(shown) };
      const hint = silent > 0 ? `; ${silent} gateways gave no answer` : '';
      throw new FlyballError(
        'REQUEST_NOT_FOUND',
        `no request of trace ${traceId} is remembered: of most only the slowest of each minute are${hint}`,
      );
    },
  };
}

const toView = ({ batch, ...span }: RequestSpan, decision: number | undefined): RequestView => {
  const { sampled: _, ...rest } = span;
  return {
    ...rest,
    ...(batch !== undefined && { batch: { ...batch, mates: [...batch.mates] } }),
    decision: decision ?? null,
  };
};

/** For each the last decision that the journal held when it came, as `why` finds it; those without one are left out. */
async function decisionsAt(
  store: Pick<Store, 'journal'>,
  deployment: string,
  spans: readonly RequestSpan[],
): Promise<Map<RequestSpan, number>> {
  const found = new Map<RequestSpan, number>();
  const waiting = spans.toSorted((left, right) => right.at - left.at);
  let until = waiting[0]?.at ?? 0;
  let last = Infinity;
  for (let page = 0; page < pagesMax && waiting.length > 0; page += 1) {
    const entries = await store.journal({
      subject: deployment,
      kind: 'decision',
      until: Math.floor(until),
      newestFirst: true,
      limit: pageLength,
    });
    for (const { id, at, details } of entries) {
      if (id >= last || (details as DecisionDetails | undefined)?.decision === undefined) continue;
      while (waiting[0] !== undefined && waiting[0].at >= at) found.set(waiting.shift() as RequestSpan, id);
    }
    const oldest = entries.at(-1);
    if (oldest === undefined || entries.length < pageLength) break;
    last = oldest.id;
    // Where a page ends among those that are older than the next request, they need not be read.
    until = Math.min(oldest.at, waiting[0]?.at ?? oldest.at);
  }
  return found;
}
