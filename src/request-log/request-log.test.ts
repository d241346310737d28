import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FlyballError } from '../errors.ts';
import { HangUp } from '../protocol/hang-up.ts';
import type { InferenceRequest, InferenceResponse, InferenceService } from '../protocol/inference.ts';
import { openRegistry } from '../telemetry/registry.ts';
import { openHttpSink } from './http-sink.ts';
import { withRequestLog } from './logged-service.ts';
import type { LogConfirmation, LogMessage, RequestLogRoute } from './record.ts';
import { openRequestLog, type LogThread } from './request-log.ts';
import { openLogWriter } from './writer.ts';

const redact = { inputs: [], outputs: [], parameters: [], json: [], with: 'remove' } as const;
const route: RequestLogRoute = { sample: 1, payload: 'data', bytesMax: 10_000, redact };
const request = (size: number): InferenceRequest => ({
  model: 'digits',
  requestId: 'r',
  payload: { kind: 'tensors', inputs: [{ name: 'x', datatype: 'UINT8', shape: [size], bytes: new Uint8Array(size) }] },
});
const response: InferenceResponse = {
  model: 'digits',
  version: '1',
  outputs: [],
  timing: { queueMs: 0, computeMs: 1, totalMs: 1, batchSize: 1 },
};
const answered = { kind: 'answered', response } as const;
const times = { arrivedAt: 0, totalMs: 1 };

/** A thread that takes everything and confirms nothing until it is told to. */
function stuckThread() {
  const posted: LogMessage[] = [];
  let confirm = (_confirmation: LogConfirmation): void => {};
  let end = (_reason: string): void => {};
  const thread: LogThread = {
    post: (message) => void posted.push(message),
    onConfirmation: (listener) => void (confirm = listener),
    onEnd: (listener) => void (end = listener),
    close: async () => {},
  };
  return { thread, posted, confirm: (given: LogConfirmation) => confirm(given), end: (reason: string) => end(reason) };
}

function log(bufferBytesMax: number) {
  const registry = openRegistry();
  const stuck = stuckThread();
  let now = 0;
  let starts = 0;
  const opened = openRequestLog({
    registry,
    clock: { now: () => now },
    chance: () => 0.5,
    bufferBytesMax,
    start: () => {
      starts += 1;
      return stuck.thread;
    },
  });
  const figure = (name: string): number => {
    const family = registry.families().find((found) => found.name === name);
    return family?.type === 'counter' ? family.samples.reduce((sum, { value }) => sum + value, 0) : 0;
  };
  return {
    ...stuck,
    log: opened,
    dropped: () => figure('flyball_request_log_dropped_total'),
    written: () => figure('flyball_request_log_records_total'),
    starts: () => starts,
    pass: (ms: number) => void (now += ms),
  };
}

test('a sink that never takes anything costs memory up to the buffer; the rest is dropped and counted', () => {
  const { log: requests, posted, dropped, written, confirm } = log(10_000);
  for (let count = 0; count < 100; count++) requests.record(route, request(1000), times, answered);
  assert.equal(posted.length, 4, 'four of 2024 bytes fit');
  assert.equal(dropped(), 96);
  assert.equal(written(), 0);
  confirm({ records: 3, bytes: 3 * 2024, lost: 1 });
  assert.deepEqual([written(), dropped()], [2, 97]);
  for (let count = 0; count < 10; count++) requests.record(route, request(1000), times, answered);
  assert.deepEqual([posted.length, dropped()], [7, 104]);
});

test('no thread is there before the first record, and one that ended is started again after a while', () => {
  const { log: requests, posted, dropped, starts, end, pass } = log(1_000_000);
  assert.equal(starts(), 0);
  requests.record(route, request(1), times, answered);
  assert.deepEqual([starts(), posted.length], [1, 1]);
  end('out of memory');
  assert.equal(dropped(), 1);
  requests.record(route, request(1), times, answered);
  assert.deepEqual([starts(), dropped()], [1, 2]);
  pass(10_000);
  requests.record(route, request(1), times, answered);
  assert.deepEqual([starts(), posted.length], [2, 2]);
});

test('the answer leaves before anything is done for the log, and a log that fails harms nobody', async () => {
  const order: string[] = [];
  const service = { infer: async () => response } as unknown as InferenceService;
  const logged = withRequestLog(
    service,
    { logs: true, deployment: () => ({ route: { requestLog: route } }) as never },
    {
      samples: () => true,
      record: () => void order.push('recorded'),
      close: async () => {},
    },
    { now: () => 0, wall: () => 0 },
  );
  await logged.infer(request(1), new HangUp());
  order.push('answered');
  await new Promise(setImmediate);
  assert.deepEqual(order, ['answered', 'recorded']);
});

test('payload decides what is copied: nothing, shapes, or data within its limit; words of an error only with open data', () => {
  const { log: requests, posted } = log(1_000_000);
  const failed = { kind: 'failed', error: new FlyballError('INVALID_TENSOR', 'got secret') } as const;
  const record = (more: Partial<RequestLogRoute>, end: Parameters<typeof requests.record>[3] = answered) => {
    requests.record({ ...route, ...more }, request(100), times, end);
    return posted.at(-1)?.record;
  };
  assert.equal(record({ payload: 'none' })?.inputs, undefined);
  assert.deepEqual(record({ payload: 'shapes' })?.inputs, [{ name: 'x', datatype: 'UINT8', shape: [100] }]);
  assert.equal(record({})?.inputs?.[0]?.bytes?.byteLength, 100);
  const large = record({ bytesMax: 99 });
  assert.deepEqual([large?.inputs?.[0]?.bytes, large?.omittedBytes], [undefined, 100]);
  // What is to be removed is not even copied.
  assert.equal(record({ redact: { ...redact, inputs: ['x'] } })?.inputs?.[0]?.bytes, undefined);
  assert.equal(record({}, failed)?.error?.message, 'got secret');
  assert.deepEqual(record({ payload: 'shapes' }, failed)?.error, { code: 'INVALID_TENSOR' });
  assert.deepEqual(record({ redact: { ...redact, inputs: ['x'] } }, failed)?.error, { code: 'INVALID_TENSOR' });
});

test('a share of the requests is sampled', () => {
  const { log: requests } = log(1);
  assert.deepEqual(
    [0, 0.5, 0.51, 1].map((sample) => requests.samples({ ...route, sample })),
    [false, false, true, true],
  );
});

test('an HTTP sink gets NDJSON, is tried again, and what it never takes is told as lost', async () => {
  const bodies: string[] = [];
  let refuse = 1;
  const server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
    incoming.on('end', () => {
      const refused = refuse-- > 0;
      if (!refused) bodies.push(text);
      outgoing.writeHead(refused ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
  const confirmed: LogConfirmation[] = [];
  const { signal } = new AbortController();
  const writer = openLogWriter(openHttpSink(url, 2000), new Uint8Array(32), (each) => confirmed.push(each), signal);
  const message: LogMessage = {
    record: { at: 0, requestId: 'r', deployment: 'd', timing: { totalMs: 1 } },
    redact,
    bytes: 5,
  };
  writer.take(message);
  await writer.idle();
  assert.match(bodies[0] ?? '', /^\{"time":"1970-01-01T00:00:00.000Z".*\}\n$/);
  refuse = Infinity;
  writer.take(message);
  await writer.idle();
  server.close();
  assert.deepEqual(
    confirmed.map(({ records, bytes, lost, trouble }) => [records, bytes, lost, trouble]),
    [
      [1, 5, 0, undefined],
      [1, 5, 1, 'it answered 503'],
    ],
  );
});
