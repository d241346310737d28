import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceTiming } from '../protocol/inference.ts';
import { newTraceId } from '../protocol/trace-context.ts';
import { UnfinishedError } from '../protocol/unfinished.ts';
import { publish, type EventMap } from '../telemetry/events.ts';
import { createGatewayBench } from '../testing/gateway-bench.ts';
import { recordSpans } from './spans.ts';

const inputs = [{ name: 'x', datatype: 'UINT8', shape: [1, 2], bytes: new Uint8Array(2) }] as const;

function told(fields: Partial<EventMap['flyball:request']>): void {
  publish('flyball:request', {
    deployment: 'm',
    version: '1',
    protocol: 'rest',
    outcome: 'ok',
    queueMs: 0,
    computeMs: 0,
    totalMs: 30,
    requestId: 'r',
    traceId: newTraceId(),
    ...fields,
  });
}

test('requests that shared a batch know its id and one another, and where their time went', async () => {
  const b = createGatewayBench();
  const spans = recordSpans(b.clock);
  b.send('first');
  b.clock.pass(2);
  const traces = Array.from({ length: 3 }, newTraceId);
  const answers = traces.map((traceId) =>
    b.service.infer(
      { model: 'm', requestId: 'r', traceId, payload: { kind: 'tensors', inputs } },
      new AbortController().signal,
    ),
  );
  b.clock.pass(8);
  b.replicas.answer('a', 10);
  b.clock.pass(20);
  b.replicas.answer('a', 15);
  const timings: InferenceTiming[] = (await Promise.all(answers)).map(({ timing }) => timing);
  traces.forEach((traceId, index) => {
    const timing = timings[index] as InferenceTiming;
    told({ traceId, timing, readMs: 2, queueMs: timing.queueMs, computeMs: timing.computeMs });
  });
  const found = traces.map((traceId) => spans.find({ traceId, limit: 10 })[0]);
  for (const span of found) {
    assert.deepEqual([span?.totalMs, span?.readMs, span?.queueMs, span?.callMs, span?.computeMs], [30, 2, 8, 20, 15]);
    assert.deepEqual([span?.batch?.rows, span?.batch?.requests, span?.batch?.sentMs], [3, 3, 10]);
    assert.equal(span?.batch?.id, found[0]?.batch?.id);
    assert.equal(span?.replica, 'a');
    assert.deepEqual(
      span?.batch?.mates,
      traces.filter((trace) => trace !== span?.traceId),
    );
  }
  spans.stop();
});

test('a failure tells how far it got: refused in the queue, or lost with a replica', async () => {
  const b = createGatewayBench({}, { queue: { lengthMax: 1, priorityLevels: 3, priorityDefault: 2 } });
  const spans = recordSpans(b.clock);
  b.send('first');
  b.send('waits');
  const traceId = newTraceId();
  const refused = await b.service
    .infer({ model: 'm', requestId: 'r', traceId, payload: { kind: 'tensors', inputs } }, new AbortController().signal)
    .catch((error: unknown) => error);
  assert.ok(refused instanceof UnfinishedError);
  told({ traceId, outcome: refused.code, timing: refused.timing, message: refused.message });
  const [span] = spans.find({ traceId, limit: 1 });
  assert.deepEqual(
    [span?.status, span?.version, span?.batch, span?.computeMs],
    ['QUEUE_FULL', '1', undefined, undefined],
  );
  b.clock.pass(5);
  b.replicas.die('a');
  await b.settle();
  const lost = b.errors.get('first');
  assert.ok(lost instanceof UnfinishedError);
  assert.deepEqual([lost.timing.queueMs, lost.timing.callMs, lost.timing.call?.replica], [0, 5, 'a']);
  spans.stop();
});

test('a trace that its caller records is remembered with its parent; after the slow ones most others are not', () => {
  const b = createGatewayBench();
  const spans = recordSpans(b.clock);
  let settled: number | undefined;
  const keptNow = () => {
    const handed = spans.take({ settled });
    settled = handed.number;
    return handed.spans.map(({ kept }) => kept);
  };
  told({});
  assert.deepEqual(keptNow(), [], 'nothing is held for somebody who has never asked');
  for (let count = 0; count < 100; count += 1) told({ totalMs: count === 0 ? 50 : 30 });
  assert.deepEqual(keptNow(), [...Array.from({ length: 7 }, () => 'slow'), 'sample']);
  assert.deepEqual(keptNow(), [], 'each once');
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  told({ totalMs: 1, traceId: '0af7651916cd43dd8448eb211c80319c', traceparent });
  const [span] = spans.find({ traceId: '0af7651916cd43dd8448eb211c80319c', limit: 1 });
  assert.deepEqual([span?.parentId, span?.sampled, span?.kept], ['b7ad6b7169203331', true, 'asked']);
  spans.stop();
});
