/**
 * What an attacker or a broken client sends below the level of requests: framings that two readers could take for
 * different requests, peers that never finish, peers that vanish, heads and bombs beyond every limit. Each ends in a typed 4xx or
 * a closed socket within a bounded time, no second request is read out of the first one's bytes, right callers beside it are
 * answered, and nothing of it stays in any process.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { doubler } from '../fixtures/models.ts';
import { ask, v2 } from '../support/ask.ts';
import { describeFootprint, descriptorCount, footprint, inspectable, type Footprint } from '../support/inspect.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { openRaw, type RawConnection } from '../support/raw.ts';
import { startLoad } from '../support/steady-load.ts';

const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const requestTimeoutMs = 3000;
const bodyBytesMax = 4 * 2 ** 20;
/** What Node looks at its connections for, and what a slow machine needs on top. */
const closedWithinMs = 15_000;

const head = (...lines: readonly string[]): string =>
  ['POST /v2/models/doubler/infer HTTP/1.1', 'Host: flyball', ...lines].join('\r\n');
/** What would be smuggled: if it were read as a request there would be an answer with this name in it. */
const smuggled = 'GET /v2/models/smuggled HTTP/1.1\r\nHost: flyball\r\n\r\n';
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const length = Buffer.byteLength(row);

interface Shape {
  readonly name: string;
  readonly bytes: string;
  /** `refused`: a typed 400 and nothing after it; `closed`: the 400 is Node's own, without words. `read`: legal, and read as the one request that it is. */
  readonly ends: 'refused' | 'closed' | 'read';
}

const shapes: readonly Shape[] = [
  {
    name: 'Content-Length and Transfer-Encoding',
    bytes: `${head(`Content-Length: ${length}`, 'Transfer-Encoding: chunked')}\r\n\r\n0\r\n\r\n${smuggled}`,
    ends: 'refused',
  },
  {
    name: 'Transfer-Encoding and Content-Length',
    bytes: `${head('Transfer-Encoding: chunked', 'Content-Length: 4')}\r\n\r\n${chunk(row)}0\r\n\r\n${smuggled}`,
    ends: 'refused',
  },
  {
    name: 'two different Content-Length',
    bytes: `${head(`Content-Length: ${length}`, 'Content-Length: 5')}\r\n\r\n${row}`,
    ends: 'refused',
  },
  {
    name: 'the same Content-Length twice',
    bytes: `${head(`Content-Length: ${length}`, `Content-Length: ${length}`)}\r\n\r\n${row}`,
    ends: 'refused',
  },
  { name: 'a list of Content-Length', bytes: `${head(`Content-Length: ${length}, 5`)}\r\n\r\n${row}`, ends: 'refused' },
  { name: 'a signed Content-Length', bytes: `${head(`Content-Length: +${length}`)}\r\n\r\n${row}`, ends: 'refused' },
  { name: 'a negative Content-Length', bytes: `${head('Content-Length: -1')}\r\n\r\n${row}`, ends: 'refused' },
  { name: 'a Content-Length in hexadecimal', bytes: `${head('Content-Length: 0x50')}\r\n\r\n${row}`, ends: 'refused' },
  {
    name: 'a Content-Length beyond 64 bits',
    bytes: `${head('Content-Length: 99999999999999999999999')}\r\n\r\n${row}`,
    ends: 'refused',
  },
  {
    name: 'a Transfer-Encoding that is no chunked',
    bytes: `${head('Transfer-Encoding: xchunked')}\r\n\r\n${chunk(row)}0\r\n\r\n${smuggled}`,
    ends: 'refused',
  },
  {
    name: 'chunked and then something else',
    bytes: `${head('Transfer-Encoding: chunked, identity')}\r\n\r\n${chunk(row)}0\r\n\r\n${smuggled}`,
    ends: 'refused',
  },
  {
    name: 'Transfer-Encoding in a folded line',
    bytes: `${head('Transfer-Encoding:', ' chunked')}\r\n\r\n${chunk(row)}0\r\n\r\n${smuggled}`,
    ends: 'refused',
  },
  {
    name: 'a header folded over two lines',
    bytes: `${head(`Content-Length: ${length}`, 'X-A: one', ' two')}\r\n\r\n${row}`,
    ends: 'refused',
  },
  {
    name: 'a space before the colon',
    bytes: `${head(`Content-Length : ${length}`)}\r\n\r\n${row}`,
    ends: 'refused',
  },
  {
    name: 'line ends without carriage return',
    bytes: `${head(`Content-Length: ${length}`).replaceAll('\r\n', '\n')}\n\n${row}`,
    ends: 'refused',
  },
  {
    name: 'a carriage return alone in a header',
    bytes: `${head('X-A: b\rTransfer-Encoding: chunked', `Content-Length: ${length}`)}\r\n\r\n${row}`,
    ends: 'refused',
  },
  {
    name: 'a NUL in a header',
    bytes: `${head('X-A: a\0b', `Content-Length: ${length}`)}\r\n\r\n${row}`,
    ends: 'refused',
  },
  {
    name: 'a chunk size that is no number',
    bytes: `${head('Transfer-Encoding: chunked')}\r\n\r\nzz\r\n${row}\r\n0\r\n\r\n`,
    ends: 'refused',
  },
  {
    name: 'a chunk size beyond 64 bits',
    bytes: `${head('Transfer-Encoding: chunked')}\r\n\r\nfffffffffffffffff1\r\n${row}\r\n0\r\n\r\n`,
    ends: 'refused',
  },
  {
    name: 'a chunk longer than its size',
    bytes: `${head('Transfer-Encoding: chunked')}\r\n\r\n5\r\n${row}\r\n0\r\n\r\n${smuggled}`,
    ends: 'refused',
  },
  {
    name: 'a chunk size with a line feed alone',
    bytes: `${head('Transfer-Encoding: chunked')}\r\n\r\n${chunk(row).replace('\r\n', '\n')}0\r\n\r\n`,
    ends: 'refused',
  },
  { name: 'no Host', bytes: 'GET /v2 HTTP/1.1\r\n\r\n', ends: 'closed' },
  {
    name: 'chunk extensions',
    bytes: `${head('Transfer-Encoding: chunked')}\r\n\r\n${chunk(row).replace('\r\n', ';a=b;c="d"\r\n')}0;e\r\n\r\n`,
    ends: 'read',
  },
  {
    name: 'trailers after the last chunk',
    bytes: `${head('Transfer-Encoding: chunked')}\r\n\r\n${chunk(row)}0\r\nX-Checksum: 5\r\n\r\n`,
    ends: 'read',
  },
  {
    name: 'a Content-Length after the last chunk',
    bytes: `${head('Transfer-Encoding: chunked')}\r\n\r\n${chunk(row)}0\r\nContent-Length: 5\r\n\r\n${smuggled}`,
    ends: 'refused',
  },
];

const answers = (received: string): string[] => received.match(/HTTP\/1\.1 \d{3}/g) ?? [];

describe('misuse below the level of requests', { timeout: 240_000 }, () => {
  let platform: Platform;
  let gateway = 0;
  let beginning: Footprint;
  const raw = () => openRaw(Number(new URL(platform.http).port));
  const gone = (connection: RawConnection, what: string): Promise<true> =>
    until(`the server to close ${what}`, () => (connection.closed ? true : undefined), closedWithinMs);

  before(async () => {
    platform = await startPlatform({
      env: inspectable,
      models: { 'doubler/1/model.onnx': doubler() },
      specification: {
        models: { doubler: { path: './models/doubler' } },
        deployments: { doubler: { model: 'doubler' } },
        limits: { requestTimeoutMs, bodyBytesMax },
      },
    });
    gateway = (await platform.serving()).gateways[0]?.pid ?? 0;
    await ask(`${platform.http}/v2/models/doubler/infer`, { body: row });
    beginning = await footprint(gateway);
  });
  after(() => platform[Symbol.asyncDispose]());

  for (const { name, bytes, ends } of shapes)
    test(`${name}: ${ends === 'read' ? 'one request, read as it is meant' : 'refused, and nothing is read out of what follows'}`, async () => {
      await using connection = await raw();
      connection.send(bytes);
      if (ends === 'read') {
        await connection.reaches(/^HTTP\/1\.1 200 [^]*\[2,4,6,8\]/);
        assert.equal(answers(connection.received).length, 1);
        connection.send(`${head(`Content-Length: ${length}`)}\r\n\r\n${row}`);
        await connection.reaches(/200 OK[^]*200 OK/);
        return;
      }
      await connection.reaches(ends === 'closed' ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 400 [^]*"code":"[A-Z_]+"\}$/);
      await gone(connection, name);
      assert.deepEqual(answers(connection.received), ['HTTP/1.1 400']);
      assert.doesNotMatch(connection.received, /smuggled/);
    });

  test('heads of a megabyte, of ten thousand lines, and a path without end are refused', async () => {
    for (const bytes of [
      `GET /v2 HTTP/1.1\r\nHost: a\r\nX-A: ${'y'.repeat(2 ** 20)}\r\n\r\n`,
      `GET /v2 HTTP/1.1\r\nHost: a\r\n${'X-A: y\r\n'.repeat(10_000)}\r\n`,
      `GET /${'v2/'.repeat(100_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    ]) {
      await using connection = await raw();
      connection.send(bytes);
      await gone(connection, 'a head beyond the limit');
      // A reset may take the answer along: whoever sends on after the refusal cannot be made to read it.
      if (connection.received !== '') assert.match(connection.received, /^HTTP\/1\.1 4(?:31|14|00) /);
    }
  });

  test('two hundred slow senders are closed in time, while others are answered', async (t) => {
    await using load = startLoad({
      url: `${platform.http}/v2/models/doubler/infer`,
      method: 'POST',
      body: row,
      callers: 2,
      thinkMs: 0,
    });
    const startedAt = performance.now();
    const slow = await Promise.all(Array.from({ length: 200 }, raw));
    const kinds = [
      () => '', // connected, and silent
      () => 'POST /v2/models/doubler/infer HTTP/1.1\r\nHost: a\r\n',
      () => `${head('Content-Length: 1000')}\r\n\r\n{`,
      () => `${head('Transfer-Encoding: chunked')}\r\n\r\n1\r\n{\r\n`,
    ];
    slow.forEach((connection, index) => connection.send(kinds[index % kinds.length]?.() ?? ''));
    // A byte now and then, so that none of them is idle.
    const trickle = setInterval(() => {
      slow.forEach((connection, index) => {
        if (connection.closed || index % kinds.length === 0) return;
        connection.send(index % kinds.length === 1 ? 'X' : index % kinds.length === 2 ? ' ' : '1\r\n \r\n');
      });
    }, 200);
    try {
      await until(
        'all to be closed',
        () => (slow.every(({ closed }) => closed) ? true : undefined),
        closedWithinMs + requestTimeoutMs,
      );
    } finally {
      clearInterval(trickle);
      await Promise.all(slow.map((connection) => connection[Symbol.asyncDispose]()));
    }
    t.diagnostic(
      `200 slow senders were gone after ${Math.round(performance.now() - startedAt)} ms (limit ${requestTimeoutMs} ms)`,
    );
    const timedOut = slow.filter(({ received }) => /^HTTP\/1\.1 408 [^]*"code":"INVALID_REQUEST"/.test(received));
    assert.ok(timedOut.length >= 100, `${timedOut.length} of 200 were told why`);
    await load.passed(20);
    assert.deepEqual((await load.stop()).failures, []);
  });

  test('peers that close their half, in mid-head, in mid-body and after a whole request, leave nothing open', async () => {
    const before_ = descriptorCount(gateway);
    for (const bytes of ['POST /v2/mod', `${head('Content-Length: 1000')}\r\n\r\n{"in`]) {
      const halves = await Promise.all(Array.from({ length: 20 }, raw));
      for (const half of halves) {
        half.send(bytes);
        half.end();
      }
      for (const half of halves) await gone(half, 'a half-open socket');
    }
    // A peer that closes its half after a whole request counts as one that has hung up: nobody is computed for.
    await using whole = await raw();
    whole.send(`${head(`Content-Length: ${length}`)}\r\n\r\n${row}`);
    whole.end();
    await gone(whole, 'a half-closed connection');
    await until('the descriptors to be given back', () => (descriptorCount(gateway) <= before_ ? true : undefined));
  });

  test('bombs: gzip, deflate, gzip in gzip, over REST and gRPC, are refused at the limit', async () => {
    const infer = `${platform.http}/v2/models/doubler/infer`;
    const zeros = Buffer.alloc(bodyBytesMax * 16);
    for (const [coding, body] of [
      ['gzip', gzipSync(zeros)],
      ['deflate', deflateSync(zeros)],
    ] as const) {
      const answer = await ask(infer, { headers: { 'Content-Encoding': coding }, body });
      assert.deepEqual([answer.status, answer.json()['code']], [413, 'TOO_LARGE'], coding);
    }
    const nested = await ask(infer, { headers: { 'Content-Encoding': 'gzip, gzip' }, body: gzipSync(gzipSync(zeros)) });
    assert.ok([400, 413, 415].includes(nested.status), `${nested.status}`);
    const deep = await ask(infer, { body: '['.repeat(1_000_000) });
    assert.equal(deep.status, 400);
    const session = http2.connect(platform.grpc);
    const packed = gzipSync(zeros);
    const prefix = Buffer.from([1, 0, 0, 0, 0]);
    prefix.writeUInt32BE(packed.length, 1);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      'content-type': 'application/grpc',
      'grpc-encoding': 'gzip',
      te: 'trailers',
    });
    let status: unknown;
    stream.on('response', (headers) => (status ??= headers['grpc-status']));
    stream.on('trailers', (headers) => (status ??= headers['grpc-status']));
    stream.resume();
    stream.end(Buffer.concat([prefix, packed]));
    await once(stream, 'close');
    session.destroy();
    assert.equal(Number(status), 8, 'RESOURCE_EXHAUSTED');
  });

  test('over gRPC: a peer that says nothing is closed in time, ten thousand streams opened and reset cost nothing', async (t) => {
    const { hostname, port } = new URL(platform.grpc);
    const silent = net.connect(Number(port), hostname);
    silent.on('error', () => {});
    const startedAt = performance.now();
    const closed = once(silent.resume(), 'close');
    const session = http2.connect(platform.grpc);
    session.on('error', () => {});
    let opened = 0;
    for (let burst = 0; burst < 100 && !session.destroyed; burst += 1) {
      for (let index = 0; index < 100 && !session.destroyed; index += 1) {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/inference.GRPCInferenceService/ModelInfer',
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        stream.on('error', () => {});
        stream.close(http2.constants.NGHTTP2_CANCEL);
        opened += 1;
      }
      await new Promise(setImmediate);
    }
    session.destroy();
    await closed;
    t.diagnostic(
      `${opened} streams were opened and reset; the silent peer was gone after ${Math.round(performance.now() - startedAt)} ms`,
    );
    const answer = await ask(`${platform.http}/v2/models/doubler/infer`, { body: row });
    assert.equal(answer.status, 200);
  });

  test('the gateway is the process that it was, and no larger', async (t) => {
    await until('the descriptors to be given back', () =>
      descriptorCount(gateway) <= beginning.descriptors + 1 ? true : undefined,
    );
    const end = await footprint(gateway);
    t.diagnostic(describeFootprint('gateway', beginning, end));
    assert.equal((await platform.status()).gateways[0]?.pid, gateway);
    assert.ok(end.heapBytes - beginning.heapBytes < 8 * 2 ** 20, 'the heap grew');
    assert.ok(end.externalBytes - beginning.externalBytes < 8 * 2 ** 20, 'buffers were kept');
  });
});
