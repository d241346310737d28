/** On bare HTTP/2, also what well-behaved clients do not do: messages cut anywhere, resets; health by its bytes, and a drain. */
import assert from 'node:assert/strict';
import http2, { type IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { until } from '../../testing/until.ts';
import { frame } from './framing.ts';
import { encodeInferRequest } from './infer-messages.ts';
import { serve, request, withSession, inferPath, tensorFrame, messageBytesMax } from '../../testing/grpc-server.ts';

const tensorMessage = tensorFrame.subarray(5);

const compressed = (message: Uint8Array): Buffer => {
  const framed = frame(message);
  framed[0] = 1;
  return framed;
};

test('a message may be cut anywhere, and compressed', async () => {
  await using served = await serve();
  await withSession(served, async (session) => {
    const bytes = [...tensorFrame].map((byte) => Buffer.from([byte]));
    assert.equal((await request(session, inferPath, bytes)).trailers['grpc-status'], '0');
    for (const [encoding, packed] of [
      ['gzip', gzipSync(tensorMessage)],
      ['deflate', deflateSync(tensorMessage)],
    ] as const) {
      const reply = await request(session, inferPath, [compressed(packed)], { 'grpc-encoding': encoding });
      assert.equal(reply.trailers['grpc-status'], '0', encoding);
    }
  });
});

const refusals: readonly [string, string, readonly Uint8Array[], Record<string, string>, string][] = [
  ['an unknown service', '/nobody.Service/Do', [], {}, '12'],
  ['an unknown method', '/inference.GRPCInferenceService/ModelExplain', [frame(new Uint8Array(0))], {}, '12'],
  ['an unknown compression', inferPath, [tensorFrame], { 'grpc-encoding': 'br' }, '12'],
  ['no message', inferPath, [], {}, '13'],
  ['half a message', inferPath, [tensorFrame.subarray(0, 20)], {}, '13'],
  ['two messages', inferPath, [tensorFrame, tensorFrame], {}, '12'],
  ['a compressed message without an encoding', inferPath, [compressed(gzipSync(tensorMessage))], {}, '13'],
  ['a flag that does not exist', inferPath, [Buffer.from([9, 0, 0, 0, 0])], {}, '13'],
  ['a broken gzip', inferPath, [compressed(Buffer.from('nonsense'))], { 'grpc-encoding': 'gzip' }, '3'],
  [
    'a gzip bomb',
    inferPath,
    [compressed(gzipSync(Buffer.alloc(messageBytesMax * 4)))],
    { 'grpc-encoding': 'gzip' },
    '8',
  ],
  ['a timeout of no unit', inferPath, [tensorFrame], { 'grpc-timeout': '5 minutes' }, '3'],
  ['a length over the limit', inferPath, [Buffer.from([0, 0xff, 0xff, 0xff, 0xff])], {}, '8'],
  ['bytes that are no protobuf', inferPath, [frame(Buffer.from('\u0007\u0007hello'))], {}, '3'],
];

for (const [title, path, chunks, headers, status] of refusals) {
  test(`grpc-status ${status} for ${title}`, async () => {
    await using served = await serve();
    await withSession(served, async (session) => {
      const reply = await request(session, path, chunks, headers);
      assert.equal(reply.headers[':status'], 200);
      assert.equal(reply.trailers['grpc-status'], status, String(reply.trailers['grpc-message']));
      assert.notEqual(reply.trailers['grpc-message'], '');
      assert.equal((await request(session, inferPath, [tensorFrame])).trailers['grpc-status'], '0');
    });
  });
}

test('callers that reset, half-close or vanish at any moment leave nothing behind', async () => {
  await using served = await serve();
  const paths = [inferPath, '/inference.GRPCInferenceService/ModelStreamInfer', '/grpc.health.v1.Health/Watch'];
  for (let round = 0; round < 20; round += 1) {
    await withSession(served, async (session) => {
      const closed = Array.from({ length: 20 }, (_, index) => {
        const headers = { ':method': 'POST', ':path': paths[index % 3], 'content-type': 'application/grpc' };
        const stream = session.request(headers);
        stream.on('error', () => {});
        if (index % 4 !== 0) stream.write(index % 3 === 2 ? frame(new Uint8Array(0)) : tensorFrame);
        if (index % 2 === 0) stream.end();
        const reset = (): void => stream.close(http2.constants.NGHTTP2_CANCEL);
        if (index % 5 === 0) reset();
        else if (index % 5 === 1) setImmediate(reset);
        else if (index % 5 === 2) stream.once('response', reset);
        else if (index % 5 === 3) stream.once('data', reset);
        return new Promise((resolve) => stream.once('close', resolve));
      });
      await closed[0];
    });
  }
  await until('no call is left', () => served.grpc.inFlight === 0);
  await withSession(served, async (session) => {
    assert.equal((await request(session, inferPath, [tensorFrame])).trailers['grpc-status'], '0');
  });
});

test('what is not gRPC gets an HTTP status', async () => {
  await using served = await serve();
  await withSession(served, async (session) => {
    const reply = await request(session, inferPath, [], { 'content-type': 'application/json' });
    assert.equal(reply.headers[':status'], 415);
  });
});

test('a message that does not come to its end is given up', async () => {
  await using served = await serve({ requestTimeoutMs: 50 });
  await withSession(served, async (session) => {
    const stream = session.request({ ':method': 'POST', ':path': inferPath, 'content-type': 'application/grpc' });
    stream.write(tensorFrame.subarray(0, 10));
    const [headers] = await new Promise<[IncomingHttpHeaders]>((resolve) =>
      stream.on('response', (each) => resolve([each])),
    );
    assert.equal(headers['grpc-status'], '4');
    stream.close();
  });
});

test('health is checked and watched, and draining shows in it', async () => {
  await using served = await serve();
  await withSession(served, async (session) => {
    const everything = frame(new Uint8Array(0));
    const serving = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
    const notServing = Buffer.from([0, 0, 0, 0, 2, 8, 2]);
    assert.deepEqual((await request(session, '/grpc.health.v1.Health/Check', [everything])).body, serving);
    const unknown = await request(session, '/grpc.health.v1.Health/Check', [frame(Buffer.from('\n\u0001x'))]);
    assert.equal(unknown.trailers['grpc-status'], '5');
    const model = frame(Buffer.concat([Buffer.from('\n\u0006'), Buffer.from('addsub')]));
    assert.deepEqual((await request(session, '/grpc.health.v1.Health/Check', [model])).body, serving);
    const watched: Buffer[] = [];
    const watch = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Watch',
      'content-type': 'application/grpc',
    });
    watch.on('data', (chunk: Buffer) => watched.push(chunk));
    const ended = new Promise((resolve) => watch.once('close', resolve));
    watch.end(everything);
    await until('the watch has begun', () => watched.length === 1);
    served.service.setReady(false);
    await until('the change is told', () => watched.length === 2);
    served.service.setReady(true);
    await until('the next change is told', () => watched.length === 3);
    await served.grpc.drain(new AbortController().signal);
    await ended;
    assert.deepEqual(watched, [serving, notServing, serving, notServing]);
  });
});

test('draining finishes what is in flight, refuses what is new, and ends the rest at the deadline', async () => {
  await using served = await serve();
  await withSession(served, async (session) => {
    const pending = Buffer.concat(
      encodeInferRequest({
        model: 'pending',
        inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1], bytes: new Uint8Array(4) }],
      }),
    );
    const reply = request(session, inferPath, [pending]);
    await until('the call is in flight', () => served.grpc.inFlight === 1);
    const deadline = new AbortController();
    let drained = false;
    const draining = served.grpc.drain(deadline.signal).then(() => (drained = true));
    const late = await request(session, inferPath, [tensorFrame]).then(
      (each) => each.trailers['grpc-status'],
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.ok(['14', 'ERR_HTTP2_STREAM_ERROR', 'ERR_HTTP2_GOAWAY_SESSION'].includes(String(late)), String(late));
    assert.equal(drained, false);
    deadline.abort();
    assert.equal((await reply).trailers['grpc-status'], '14');
    await draining;
    assert.equal(served.grpc.inFlight, 0);
  });
});
