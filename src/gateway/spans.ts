/**
 * What this worker remembers of its requests. It hears of each when it has ended, asks the book whether it is one to
 * remember, and makes a span only then: what is forgotten costs a look-up.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { parentIdOf, isSampled, newSpanId } from '../protocol/trace-context.ts';
import type { ReplicaCall } from '../protocol/inference.ts';
import { subscribe, type EventMap } from '../telemetry/events.ts';
import { SpanBook } from '../telemetry/spans/book.ts';
import { SpanOutbox, type Handed, type Take } from '../telemetry/spans/outbox.ts';
import type { Kept, RequestSpan, SpanBatch, SpanQuery } from '../telemetry/spans/span.ts';

export interface Spans {
  find(query: SpanQuery): readonly RequestSpan[];
  /** Those that were remembered since what was settled. */
  take(how?: Take): Handed;
  stop(): void;
}

type RequestEvent = EventMap['flyball:request'];

/** A batch may have hundreds; these are enough to follow it, and all have the batch's id. */
const matesMax = 32;
const messageLengthMax = 500;

export function recordSpans(clock: Pick<Clock, 'wall'>): Spans {
  const book = new SpanBook();
  const outbox = new SpanOutbox();
  const prefix = randomBytes(4).toString('hex');
  const stop = subscribe('flyball:request', (event) => {
    const { deployment, totalMs, traceparent } = event;
    const at = clock.wall();
    const sampled = traceparent !== undefined && isSampled(traceparent);
    const kept = book.wants({ deployment, failed: event.outcome !== 'ok', totalMs, sampled, at });
    if (kept === undefined) return;
    const span = toSpan(event, at - totalMs, sampled, kept, prefix);
    book.keep(span, at);
    outbox.offer(span, at);
  });
  return { find: (query) => book.find(query), take: (how = {}) => outbox.take(how, clock.wall()), stop };
}

function toSpan(event: RequestEvent, at: number, sampled: boolean, kept: Kept, prefix: string): RequestSpan {
  const { traceparent, outcome, readMs, timing, message, by } = event;
  const { call } = timing ?? {};
  const sentMs = call === undefined || timing?.arrivedAt === undefined ? 0 : call.sentAt - timing.arrivedAt;
  const times = timing !== undefined && 'computeMs' in timing ? timing : undefined;
  const replica = call?.replica ?? times?.replica;
  return {
    traceId: event.traceId,
    spanId: newSpanId(),
    ...(traceparent !== undefined && { parentId: parentIdOf(traceparent) }),
    sampled,
    requestId: event.requestId,
    deployment: event.deployment,
    version: timing !== undefined && 'version' in timing ? timing.version : event.version,
    protocol: event.protocol,
    at,
    status: outcome,
    ...(message !== undefined && { message: message.slice(0, messageLengthMax) }),
    totalMs: event.totalMs,
    ...(readMs !== undefined && { readMs }),
    queueMs: timing?.queueMs ?? 0,
    ...(timing?.callMs !== undefined && { callMs: timing.callMs }),
    ...(times?.waitMs !== undefined && { waitMs: times.waitMs }),
    ...(times?.inputMs !== undefined && { inputMs: times.inputMs }),
    ...(times !== undefined && { computeMs: times.computeMs }),
    ...(call !== undefined && { batch: toBatch(call, (readMs ?? 0) + sentMs, event.traceId, prefix) }),
    ...(replica !== undefined && { replica }),
    ...(by !== undefined && { by }),
    kept,
  };
}

function toBatch(
  { number, rows, requests, traces }: ReplicaCall,
  sentMs: number,
  own: string,
  prefix: string,
): SpanBatch {
  const at = traces.indexOf(own);
  const mates = traces.filter((trace, index) => index !== at && trace !== '').slice(0, matesMax);
  return { id: `${prefix}-${number.toString(36)}`, rows, requests, sentMs, mates };
}
