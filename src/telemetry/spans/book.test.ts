import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpanBook, spanLimits, type Ended, type SpanLimits } from './book.ts';
import type { RequestSpan } from './span.ts';

const limits: SpanLimits = {
  ...spanLimits,
  slowestEachMinute: 3,
  minutes: 2,
  failuresEachCode: 2,
  asked: 2,
  samples: 2,
};
let made = 0;

function put(
  book: SpanBook,
  ended: Partial<Ended> & { readonly status?: RequestSpan['status'] } = {},
): RequestSpan | undefined {
  const { deployment = 'd', totalMs = 1, sampled = false, at = 0, status = 'ok' } = ended;
  const kept = book.wants({ deployment, failed: status !== 'ok', totalMs, sampled, at });
  if (kept === undefined) return undefined;
  made += 1;
  const span: RequestSpan = {
    traceId: made.toString(16).padStart(32, '0'),
    spanId: '00f067aa0ba902b7',
    sampled,
    requestId: 'r',
    deployment,
    version: '1',
    protocol: 'rest',
    at: at - totalMs,
    status,
    totalMs,
    queueMs: 0,
    kept,
  };
  book.keep(span, at);
  return span;
}

const times = (book: SpanBook): number[] =>
  book
    .find({ deployment: 'd', limit: 1000 })
    .filter(({ kept }) => kept === 'slow')
    .map(({ totalMs }) => totalMs);

test('of each minute the slowest are remembered, for as many minutes as are kept', () => {
  const book = new SpanBook({ ...limits, sampleEveryMs: Infinity });
  for (const totalMs of [5, 1, 9, 7, 2, 8, 3]) put(book, { totalMs, at: 1000 });
  assert.deepEqual(times(book), [9, 8, 7]);
  put(book, { totalMs: 4, at: 61_000 });
  assert.deepEqual(times(book), [9, 8, 7, 4]);
  put(book, { totalMs: 6, at: 121_000 });
  assert.deepEqual(times(book), [6, 4]);
});

test('a flood of refusals pushes out no failure of another kind', () => {
  const book = new SpanBook(limits);
  put(book, { status: 'REPLICA_FAILED', totalMs: 77 });
  for (let count = 0; count < 1000; count += 1) put(book, { status: 'QUEUE_FULL' });
  const codes = book.find({ deployment: 'd', limit: 10 }).map(({ status }) => status);
  assert.deepEqual(codes, ['REPLICA_FAILED', 'QUEUE_FULL', 'QUEUE_FULL']);
});

test('a quick request is remembered when its caller records it, even when slower ones push it out of its minute', () => {
  const book = new SpanBook(limits);
  const first = put(book, { totalMs: 1, sampled: true });
  for (const totalMs of [10, 11, 12, 13]) put(book, { totalMs });
  assert.equal(book.find({ traceId: first?.traceId ?? '', limit: 1 })[0]?.kept, 'asked');
  assert.equal(put(book, { totalMs: 2, sampled: true })?.kept, 'asked');
});

test('of the rest one is remembered now and then', () => {
  const book = new SpanBook({ ...limits, sampleEveryMs: 100 });
  for (const totalMs of [10, 11, 12]) put(book, { totalMs });
  const kept = Array.from({ length: 500 }, (_, at) => put(book, { totalMs: 1, at })).filter(
    (span) => span !== undefined,
  );
  assert.equal(kept.length, 5);
});

test('a clock that was set back makes no minute of its own', () => {
  const book = new SpanBook(limits);
  for (const at of [600_000, 0, 600_000, 0, 600_000]) put(book, { at, totalMs: 1 + at / 1000 });
  assert.deepEqual(times(book), [601, 601, 601]);
});

test('whatever comes, the number is bounded and counted right, and what was asked for by its trace is what was kept', () => {
  const ended = fc.record({
    deployment: fc.constantFrom('a', 'b', 'c'),
    totalMs: fc.integer({ min: 0, max: 20 }),
    sampled: fc.boolean(),
    at: fc.integer({ min: 0, max: 300_000 }),
    status: fc.constantFrom<RequestSpan['status']>('ok', 'ok', 'ok', 'QUEUE_FULL', 'INTERNAL'),
  });
  fc.assert(
    fc.property(fc.array(ended, { maxLength: 200 }), (all) => {
      const book = new SpanBook({ ...limits, spans: 20 });
      for (const one of all) {
        const span = put(book, one);
        const found = book.find({ limit: 1000 });
        assert.equal(book.count, found.length);
        assert.equal(new Set(found.map(({ traceId }) => traceId)).size, found.length);
        // One deployment alone has at most 3 × 2 slow ones, 2 × 2 failures, 2 asked for and 2 samples.
        assert.ok(found.length <= 20 + 14, String(found.length));
        if (span?.status !== undefined && span.status !== 'ok')
          assert.equal(book.find({ traceId: span.traceId, limit: 1 })[0], span);
      }
    }),
  );
});
