/**
 * A request as a trace: its span, and below it the wait in the queue, the batch with links to those who shared it, and
 * inside the batch the computing.
 *
 *   infer digits ├─read─┤
 *     queue             ├───wait───┤
 *     batch                        ├──────────call──────────┤   → links: the batch spans of its mates
 *       compute                      ├wait├decode├─compute─┤
 *
 * A stage that a request did not come to has no span; one that took less than a step of the clock has one of no length.
 */
import { catalogue } from '../../errors.ts';
import type { RequestSpan } from '../spans/span.ts';
import { toSpan, type OtlpSpan } from './span.ts';
import { derivedSpanId, toAttributes } from './values.ts';

/** A mate's span has this id as well, whoever makes it: links need nobody to have seen the other. */
const batchSpanId = (traceId: string, batchId: string): string => derivedSpanId('batch', traceId, batchId);

export function requestSpans(span: RequestSpan): OtlpSpan[] {
  const { traceId, spanId, at, status, totalMs, readMs, queueMs, callMs, batch, computeMs, sampled } = span;
  const base = { traceId, sampled };
  const spans = [
    toSpan({
      ...base,
      spanId,
      parentId: span.parentId,
      isRemote: true,
      name: `infer ${span.deployment}`.trimEnd(),
      kind: 'server',
      from: at,
      to: at + totalMs,
      attributes: {
        'flyball.deployment': span.deployment,
        'flyball.version': span.version,
        'flyball.protocol': span.protocol,
        'flyball.request.id': span.requestId,
        'flyball.request.kept': span.kept,
        'flyball.caller': span.by,
        'flyball.replica': span.replica,
        ...(status !== 'ok' && { 'error.type': status, 'flyball.error.message': span.message }),
      },
      // What a caller got wrong is no error of the server's, as the conventions for HTTP have it.
      error: status !== 'ok' && catalogue[status].status >= 500 ? (span.message ?? status) : undefined,
    }),
  ];
  // Refused at its door, a request has not been in the queue; handed on at once, it has been for no time.
  if (readMs !== undefined && (batch !== undefined || queueMs > 0)) {
    const from = at + readMs;
    const attributes = { 'flyball.deployment': span.deployment };
    const id = derivedSpanId('queue', spanId);
    spans.push(toSpan({ ...base, spanId: id, parentId: spanId, name: 'queue', from, to: from + queueMs, attributes }));
  }
  if (batch === undefined || callMs === undefined) return spans;
  const sentAt = at + batch.sentMs;
  const batchId = batchSpanId(traceId, batch.id);
  const ofReplica = { 'flyball.deployment': span.deployment, 'flyball.replica': span.replica };
  spans.push(
    toSpan({
      ...base,
      spanId: batchId,
      parentId: spanId,
      name: 'batch',
      kind: 'client',
      from: sentAt,
      to: sentAt + callMs,
      attributes: {
        ...ofReplica,
        'flyball.batch.id': batch.id,
        'flyball.batch.rows': batch.rows,
        'flyball.batch.requests': batch.requests,
      },
      links: batch.mates.map((mate) => ({
        traceId: mate,
        spanId: batchSpanId(mate, batch.id),
        attributes: toAttributes({ 'flyball.link': 'batch-mate' }),
      })),
    }),
  );
  if (computeMs === undefined) return spans;
  const { waitMs, inputMs } = span;
  const from = sentAt + (waitMs ?? 0) + (inputMs ?? 0);
  const attributes = { ...ofReplica, 'flyball.wait_ms': waitMs, 'flyball.input_ms': inputMs };
  const id = derivedSpanId('compute', spanId);
  spans.push(
    toSpan({ ...base, spanId: id, parentId: batchId, name: 'compute', from, to: from + computeMs, attributes }),
  );
  return spans;
}
