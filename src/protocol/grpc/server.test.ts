import assert from 'node:assert/strict';
import http2, { type ClientHttp2Session, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { FlyballError } from '../../errors.ts';
import { subscribe, type EventMap } from '../../telemetry/events.ts';
import { openMemoryService, type MemoryService } from '../../testing/memory-service.ts';
import { until } from '../../testing/until.ts';
import { definitions } from './definitions.ts';
import { describeFile } from './descriptors.ts';
import { frame } from './framing.ts';
import { encodeInferRequest } from './infer-messages.ts';
import { grpcHttp2Options, openGrpc, type GrpcServer } from './server.ts';

const messageBytesMax = 1 << 20;
const tensorElementsMax = 1 << 18;

interface Served extends AsyncDisposable {
  readonly service: MemoryService;
  readonly grpc: GrpcServer;
  readonly server: Http2Server;
  readonly port: number;
}

async function serve(limits: { readonly requestTimeoutMs?: number } = {}): Promise<Served> {
  const service = openMemoryService({ tensorElementsMax });
  const face = openGrpc(service, { limits: { messageBytesMax, tensorElementsMax, ...limits } });
  const server = http2.createServer(grpcHttp2Options);
  face.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    service,
    grpc: face,
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await face[Symbol.asyncDispose]();
    },
  };
}

/** An independent client, loaded with the very descriptors that reflection hands out. */
function connect(port: number): AsyncDisposable & {
  call(method: string, message: object, metadata?: grpc.Metadata, options?: grpc.CallOptions): Promise<Reply>;
  readonly stub: Stub;
} {
  const set = Object.values(definitions).map((definition) => {
    const { bytes } = describeFile(definition);
    const length = Buffer.from([(bytes.length & 0x7f) | 0x80, bytes.length >> 7]);
    return Buffer.concat([Buffer.from([0x0a]), length, bytes]);
  });
  const loaded = grpc.loadPackageDefinition(
    loadFileDescriptorSetFromBuffer(Buffer.concat(set), {
      longs: String,
      keepCase: true,
      defaults: true,
      oneofs: true,
    }),
  ) as unknown as { inference: { GRPCInferenceService: new (...args: unknown[]) => Stub } };
  const stub = new loaded.inference.GRPCInferenceService(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  return {
    stub,
    call: (method, message, metadata = new grpc.Metadata(), options = {}) =>
      new Promise((resolve, reject) => {
        stub[method]!(message, metadata, options, (error: Error | null, reply: Reply) =>
          error === null ? resolve(reply) : reject(error),
        );
      }),
    async [Symbol.asyncDispose]() {
      stub.close();
    },
  };
}

interface Reply {
  readonly outputs: { name: string; datatype: string; shape: string[]; contents?: Record<string, unknown> }[];
  readonly raw_output_contents: Buffer[];
  readonly [field: string]: unknown;
}
/** Clients made from descriptors see a map as what it is on the wire: entries. */
const parametersOf = (values: Record<string, object>): object[] =>
  Object.entries(values).map(([key, value]) => ({ key, value }));
type Stub = grpc.Client & Record<string, (...args: unknown[]) => grpc.ClientDuplexStream<object, Reply>>;

const int32 = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
const ones = Array<number>(16).fill(1);
const addsub = (fields: object = {}): object => ({
  model_name: 'addsub',
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
  raw_input_contents: [int32(...ones.map((_, index) => index)), int32(...ones)],
  ...fields,
});

test('answers an inference raw, echoes the id, and gives typed contents when asked to', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  const raw = await client.call('ModelInfer', addsub({ id: 'seven' }));
  assert.equal(raw['id'], 'seven');
  assert.equal(raw['model_version'], '1');
  assert.deepEqual(raw.raw_output_contents[0], int32(...ones.map((_, index) => index + 1)));
  assert.equal(raw.outputs[0]!.contents, null);
  const typed = await client.call(
    'ModelInfer',
    addsub({ parameters: parametersOf({ typed_output: { bool_param: true } }), outputs: [{ name: 'OUTPUT1' }] }),
  );
  assert.equal(typed.raw_output_contents.length, 0);
  assert.deepEqual(
    typed.outputs.map((output) => [output.name, output.contents!['int_contents']]),
    [['OUTPUT1', ones.map((_, index) => index - 1)]],
  );
});

test('passes deadline, priority, request id and trace context on', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  const metadata = new grpc.Metadata();
  metadata.set('x-request-id', 'req-1');
  metadata.set('traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  await client.call('ModelInfer', addsub({ parameters: parametersOf({ priority: { uint64_param: 1 } }) }), metadata, {
    deadline: Date.now() + 5000,
  });
  const [first] = served.service.seen;
  assert.equal(first!.requestId, 'req-1');
  assert.equal(first!.traceparent, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  assert.equal(first!.priority, 1);
  assert.ok(first!.deadlineMs! > 3000 && first!.deadlineMs! <= 5000);
  await client.call('ModelInfer', addsub({ parameters: parametersOf({ timeout: { int64_param: 250_000 } }) }));
  assert.equal(served.service.seen[1]!.deadlineMs, 250);
  assert.notEqual(served.service.seen[1]!.requestId, '');
});

test('answers the queries', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  assert.deepEqual(await client.call('ServerLive', {}), { live: true });
  assert.deepEqual(await client.call('ServerReady', {}), { ready: true });
  assert.deepEqual(await client.call('ModelReady', { name: 'addsub' }), { ready: true });
  assert.equal((await client.call('ServerMetadata', {}))['name'], 'memory');
  const metadata = await client.call('ModelMetadata', { name: 'identity_bf16', version: '1' });
  assert.deepEqual(metadata['inputs'], [{ name: 'INPUT0', datatype: 'BF16', shape: ['-1', '-1'] }]);
  const index = (await client.call('RepositoryIndex', { ready: true }))['models'] as object[];
  assert.deepEqual(index[0], { name: 'addsub', version: '1', state: 'READY', reason: '' });
  const [statistics] = (await client.call('ModelStatistics', { name: 'addsub' }))['model_stats'] as Record<
    string,
    object
  >[];
  assert.deepEqual((statistics!['inference_stats'] as Record<string, unknown>)['success'], {
    count: '3',
    ns: '1500000',
  });
});

const failures: readonly [string, string, object, grpc.status, RegExp][] = [
  ['an unknown model', 'ModelInfer', { model_name: 'näbel' }, grpc.status.NOT_FOUND, /got 'näbel'/],
  ['an unknown version', 'ModelMetadata', { name: 'addsub', version: '9' }, grpc.status.NOT_FOUND, /version 1, got 9/],
  ['no model', 'ModelInfer', {}, grpc.status.INVALID_ARGUMENT, /model_name/],
  ['a missing input', 'ModelInfer', { model_name: 'addsub' }, grpc.status.INVALID_ARGUMENT, /INPUT0, INPUT1/],
  [
    'raw contents of the wrong size',
    'ModelInfer',
    addsub({ raw_input_contents: [Buffer.alloc(63), Buffer.alloc(64)] }),
    grpc.status.INVALID_ARGUMENT,
    /INPUT0/,
  ],
  [
    'a timeout that is no number',
    'ModelInfer',
    addsub({ parameters: parametersOf({ timeout: { string_param: 'soon' } }) }),
    grpc.status.INVALID_ARGUMENT,
    /'timeout': expected a whole number.*soon/,
  ],
  [
    'a request of a sequence',
    'ModelInfer',
    addsub({ parameters: parametersOf({ sequence_id: { int64_param: '7' }, sequence_start: { bool_param: true } }) }),
    grpc.status.UNIMPLEMENTED,
    /'sequence_id': sequences are not offered.*send the state as inputs/,
  ],
  [
    'a message over the limit',
    'ModelInfer',
    addsub({ raw_input_contents: [Buffer.alloc(messageBytesMax), Buffer.alloc(64)] }),
    grpc.status.RESOURCE_EXHAUSTED,
    /at most 1048576 bytes/,
  ],
];

for (const [title, method, message, code, details] of failures) {
  test(`a status, not a crash, for ${title}`, async () => {
    await using served = await serve();
    await using client = connect(served.port);
    await assert.rejects(client.call(method, message), (error: grpc.ServiceError) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.details, details);
      return true;
    });
    assert.deepEqual(await client.call('ServerLive', {}), { live: true });
  });
}

test('the metadata of an answer, and that of a failure, name the trace: the caller’s, or one of its own', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  const metadata = new grpc.Metadata();
  metadata.set('traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  const traceOf = (asked: grpc.Metadata, message: object) =>
    new Promise<unknown>((resolve) => {
      let named: unknown;
      const call =
        served.service &&
        client.stub['ModelInfer']!(message, asked, {}, (error: grpc.ServiceError | null) => {
          resolve(named ?? error?.metadata.get('x-trace-id')[0]);
        });
      call.on('metadata', (got: grpc.Metadata) => {
        named = got.get('x-trace-id')[0];
      });
    });
  assert.equal(await traceOf(metadata, addsub()), '4bf92f3577b34da6a3ce929d0e0e4736');
  assert.equal(await traceOf(metadata, addsub({ model_name: 'no' })), '4bf92f3577b34da6a3ce929d0e0e4736');
  const own = await traceOf(new grpc.Metadata(), addsub());
  assert.match(String(own), /^[0-9a-f]{32}$/);
  assert.equal(served.service.seen.at(-1)?.traceId, own);
});

test('an overloaded service is UNAVAILABLE with the time to wait and its own code', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  served.service.failNext(new FlyballError('QUEUE_FULL', 'expected room for one more', { retryAfterSeconds: 2 }));
  await assert.rejects(client.call('ModelInfer', addsub()), (error: grpc.ServiceError) => {
    assert.equal(error.code, grpc.status.UNAVAILABLE);
    assert.deepEqual(error.metadata.get('retry-after'), ['2']);
    assert.deepEqual(error.metadata.get('flyball-code'), ['QUEUE_FULL']);
    return true;
  });
});

test('a caller that hangs up aborts its request', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  const pending = {
    model_name: 'pending',
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1], contents: { fp32_contents: [1] } }],
  };
  await assert.rejects(
    client.call('ModelInfer', pending, new grpc.Metadata(), { deadline: Date.now() + 100 }),
    (error: grpc.ServiceError) => error.code === grpc.status.DEADLINE_EXCEEDED,
  );
  await until('the request is cancelled', () => served.service.cancelled === 1);
  await until('no call is left', () => served.grpc.inFlight === 0);
});

function openStream(client: ReturnType<typeof connect>) {
  const stream = client.stub['ModelStreamInfer']!();
  const replies: Reply[] = [];
  stream.on('data', (reply: Reply) => replies.push(reply));
  const ended = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
  return { stream, replies, ended };
}

test('a stream answers each request in order, failures as messages with their ids, and outlives them', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  const { stream, replies, ended } = openStream(client);
  for (let index = 0; index < 100; index += 1)
    stream.write(index % 10 === 3 ? addsub({ id: `${index}`, model_name: 'no' }) : addsub({ id: `${index}` }));
  stream.write(addsub({ id: 'broken', raw_input_contents: [Buffer.alloc(1), Buffer.alloc(64)] }));
  stream.end();
  await ended;
  const idOf = (reply: Reply) => (reply['infer_response'] as { id: string }).id;
  assert.deepEqual(replies.map(idOf), [...Array.from({ length: 100 }, (_, index) => `${index}`), 'broken']);
  assert.match(String(replies[3]!['error_message']), /expected one of the models/);
  assert.equal(replies[4]!['error_message'], '');
  assert.match(String(replies[100]!['error_message']), /INPUT0/);
});

test('who asks to be told the last reply on a stream is told, and a parameter that says no sequence is none', async () => {
  await using served = await serve();
  await using client = connect(served.port);
  const { stream, replies, ended } = openStream(client);
  stream.write(addsub({ parameters: parametersOf({ triton_enable_empty_final_response: { bool_param: true } }) }));
  stream.write(
    addsub({ parameters: parametersOf({ sequence_id: { int64_param: '0' }, sequence_end: { bool_param: false } }) }),
  );
  stream.write(addsub({ parameters: parametersOf({ sequence_id: { string_param: 'patient' } }) }));
  stream.end();
  await ended;
  const parameters = replies.map((reply) => JSON.stringify((reply['infer_response'] as Reply | null)?.['parameters']));
  assert.match(parameters[0] ?? '', /triton_final_response.*true/);
  assert.doesNotMatch(parameters[1] ?? '', /triton_final_response/);
  assert.equal(replies[1]?.['error_message'], '');
  assert.match(String(replies[2]?.['error_message']), /sequences are not offered/);
});

test('each inference leaves one event, whatever its end', async () => {
  const events: EventMap['flyball:request'][] = [];
  const unsubscribe = subscribe('flyball:request', (event) => events.push(event));
  try {
    await using served = await serve();
    await using client = connect(served.port);
    await client.call('ModelInfer', addsub());
    await assert.rejects(client.call('ModelInfer', { model_name: 'no' }));
    assert.deepEqual(
      events.map(({ deployment, version, protocol, outcome, queueMs }) => [
        deployment,
        version,
        protocol,
        outcome,
        queueMs,
      ]),
      [
        ['addsub', '1', 'grpc', 'ok', 0.5],
        ['', '', 'grpc', 'MODEL_NOT_FOUND', 0],
      ],
    );
  } finally {
    unsubscribe();
  }
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

// From here on: what well-behaved clients do not do, on bare HTTP/2.

interface RawReply {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const inferPath = '/inference.GRPCInferenceService/ModelInfer';

function request(
  session: ClientHttp2Session,
  path: string,
  chunks: readonly Uint8Array[],
  headers: Record<string, string> = {},
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let answered: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const body: Buffer[] = [];
    stream.on('response', (each) => (answered = each));
    stream.on('trailers', (each) => (trailers = each));
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({ headers: answered, trailers: { ...answered, ...trailers }, body: Buffer.concat(body) }),
    );
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
  });
}

async function withSession(served: Served, use: (session: ClientHttp2Session) => Promise<void>): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${served.port}`);
  session.on('error', () => {});
  try {
    await use(session);
  } finally {
    session.destroy();
  }
}

const tensorFrame = Buffer.concat(
  encodeInferRequest({
    model: 'identity_fp32',
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 2], bytes: new Uint8Array(8) }],
  }),
);
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
