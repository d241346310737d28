import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestSpan } from '../../testing/request-span.ts';
import { requestSpans } from './request-spans.ts';
import { toNanoseconds } from './values.ts';

const attributesOf = (span: { readonly attributes: readonly { readonly key: string; readonly value: object }[] }) =>
  Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0] as unknown]));

test('a request is four spans, each inside its parent, from its arrival to its answer', () => {
  const spans = requestSpans(requestSpan({ at: 1_795_976_058_351.25, parentId: '00f067aa0ba902b7', sampled: true }));
  const from = (span: (typeof spans)[number]) =>
    Number(BigInt(span.startTimeUnixNano) - 1_795_976_058_351_000_000n) / 1e6;
  const to = (span: (typeof spans)[number]) => Number(BigInt(span.endTimeUnixNano) - 1_795_976_058_351_000_000n) / 1e6;
  assert.deepEqual(
    spans.map((span) => [span.name, span.kind, from(span), to(span)]),
    [
      ['infer d', 2, 0.25, 30.25],
      ['queue', 1, 2.25, 10.25],
      ['batch', 3, 10.25, 29.25],
      ['compute', 1, 13.25, 28.25],
    ],
  );
  const [root, queue, batch, compute] = spans;
  assert.deepEqual([root?.parentSpanId, root?.flags], ['00f067aa0ba902b7', 0x301]);
  assert.deepEqual([queue?.parentSpanId, batch?.parentSpanId], [root?.spanId, root?.spanId]);
  assert.equal(compute?.parentSpanId, batch?.spanId);
  assert.equal(attributesOf(batch!)['flyball.batch.rows'], '3');
});

test('a stage that took less than a step of the clock has a span of no length, one that is not known says nothing', () => {
  const { waitMs: _w, inputMs: _i, ...quick } = requestSpan({ queueMs: 0, computeMs: 0 });
  const spans = requestSpans(quick);
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['infer d', 'queue', 'batch', 'compute'],
  );
  for (const name of ['queue', 'compute']) {
    const span = spans.find((each) => each.name === name);
    assert.equal(span?.startTimeUnixNano, span?.endTimeUnixNano, name);
  }
  assert.deepEqual(Object.keys(attributesOf(spans[3]!)), ['flyball.deployment', 'flyball.replica']);
});

test('mates link to the very spans of one another', () => {
  const traces = ['0af7651916cd43dd8448eb211c80319c', '4bf92f3577b34da6a3ce929d0e0e4736'] as const;
  const batchOf = (own: 0 | 1) => {
    const batch = { id: 'p-1', rows: 3, requests: 2, sentMs: 10, mates: [traces[own === 0 ? 1 : 0]] };
    return requestSpans(requestSpan({ traceId: traces[own], batch })).find(({ name }) => name === 'batch');
  };
  const [one, other] = [batchOf(0), batchOf(1)];
  assert.deepEqual([one?.links?.[0]?.traceId, one?.links?.[0]?.spanId], [other?.traceId, other?.spanId]);
  assert.deepEqual([other?.links?.[0]?.traceId, other?.links?.[0]?.spanId], [one?.traceId, one?.spanId]);
});

test('what is the caller’s fault is no error of the server’s, and one that never left the queue has no batch', () => {
  const { batch: _b, callMs: _c, computeMs: _m, replica: _r, ...early } = requestSpan({ message: 'no' });
  const [bad, ...rest] = requestSpans({ ...early, status: 'INVALID_TENSOR', kept: 'failed' });
  assert.deepEqual([bad?.status, rest.map(({ name }) => name)], [{ code: 0 }, ['queue']]);
  assert.equal(attributesOf(bad!)['error.type'], 'INVALID_TENSOR');
  const [full, ...none] = requestSpans({ ...early, status: 'QUEUE_FULL', kept: 'failed', queueMs: 0 });
  assert.deepEqual(
    [full?.status, none],
    [{ code: 2, message: 'no' }, []],
    'refused at its door it was never in the queue',
  );
});

test('times are whole nanoseconds, in order as they were', () => {
  const ms = fc.double({ min: 0, max: 4e12, noNaN: true });
  fc.assert(
    fc.property(ms, ms, (left, right) => {
      const [one, other] = [BigInt(toNanoseconds(left)), BigInt(toNanoseconds(right))];
      assert.ok(left <= right ? one <= other : one >= other);
      assert.ok(Math.abs(Number(one) - left * 1e6) <= Math.max(1, left * 1e6 * 1e-15) + 1);
    }),
  );
});
