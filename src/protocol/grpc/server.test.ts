/** What a gRPC client of its own sees of the service; bare HTTP/2, health and draining are in server-bytes.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { FlyballError } from '../../errors.ts';
import { subscribe, type EventMap } from '../../telemetry/events.ts';
import { until } from '../../testing/until.ts';
import { definitions } from './definitions.ts';
import { describeFile } from './descriptors.ts';
import { messageBytesMax, serve } from '../../testing/grpc-server.ts';

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
  const { promise: ended, resolve } = Promise.withResolvers<grpc.ServiceError | null>();
  const call = client.stub['ModelInfer']!(pending, resolve);
  await until('the call is there', () => served.grpc.inFlight === 1);
  call.cancel();
  assert.equal((await ended)?.code, grpc.status.CANCELLED);
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
