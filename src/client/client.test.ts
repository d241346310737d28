import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo, type Server } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openGrpc } from '../protocol/grpc/server.ts';
import { restHandler } from '../protocol/rest/server.ts';
import { openMemoryService } from '../testing/memory-service.ts';
import { serveMemory } from '../testing/serve-memory.ts';
import { until } from '../testing/until.ts';
import { FlyballError, openClient, tensor, type InferOptions, type InferResult } from './client.ts';

const ramp = Int32Array.from({ length: 16 }, (_, index) => index);
const addsub: InferOptions = {
  model: 'addsub',
  inputs: [tensor('INPUT0', 'INT32', [1, 16], ramp), tensor('INPUT1', 'INT32', [1, 16], Array(16).fill(1))],
};
const pending: InferOptions = { model: 'pending', inputs: [tensor('INPUT0', 'FP32', [1], [1])] };

async function listen(
  server: Server,
  at: { path?: string } = {},
): Promise<AsyncDisposable & { url: string; port: number }> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) =>
    server.listen(at.path === undefined ? { port: 0, host: '127.0.0.1' } : { path: at.path }, resolve),
  );
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A server of another make, as far as a test needs one. */
const pretend = (answer: (request: http.IncomingMessage, response: http.ServerResponse) => void) =>
  listen(http.createServer(answer));

const failsAs =
  (code: string, message: RegExp = /./) =>
  (error: unknown): true => {
    assert.ok(error instanceof FlyballError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };

for (const transport of ['http', 'grpc'] as const) {
  const serve = async () => {
    const served = await serveMemory();
    return Object.assign(served, { url: transport === 'http' ? served.httpUrl : served.grpcUrl });
  };

  /** A server of its own that listens nowhere yet. */
  const unbound = () => {
    const service = openMemoryService({ tensorElementsMax: 1000 });
    const grpc = openGrpc(service, { limits: { messageBytesMax: 1e6, tensorElementsMax: 1000 } });
    const limits = {
      bodyBytesMax: 1e6,
      headerBytesMax: 16_384,
      tensorElementsMax: 1000,
      jsonDepthMax: 64,
      connectionsMax: 10,
      requestTimeoutMs: 1000,
    };
    const server = transport === 'http' ? http.createServer(restHandler(service, { limits })) : http2.createServer();
    if (transport === 'grpc') server.on('stream', grpc.handle);
    return { server, grpc };
  };

  test(`${transport}: results are typed by name and datatype, and checked`, async () => {
    await using served = await serve();
    await using client = openClient({ url: served.url });
    const result: InferResult = await client.infer({ ...addsub, id: 'seven' });
    const sum: Int32Array = result.output('OUTPUT0', 'INT32');
    assert.deepEqual(
      sum,
      ramp.map((value) => value + 1),
    );
    assert.equal(result.id, 'seven');
    assert.equal(result.version, '1');
    assert.throws(() => result.output('OUTPUT9', 'INT32'), failsAs('INVALID_TENSOR', /OUTPUT0, OUTPUT1/));
    assert.throws(() => result.output('OUTPUT0', 'FP32'), failsAs('INVALID_TENSOR', /expected FP32, got INT32/));
    const words = await client.infer({
      model: 'identity_bytes',
      inputs: [tensor('INPUT0', 'BYTES', [1, 2], ['grüße', Buffer.from('b')])],
    });
    assert.deepEqual(words.texts('OUTPUT0'), ['grüße', 'b']);
  });

  test(`${transport}: answers every question that the protocol has`, async () => {
    await using served = await serve();
    await using client = openClient({ url: served.url });
    assert.equal(await client.live(), true);
    assert.equal(await client.ready(), true);
    assert.equal(await client.modelReady('addsub'), true);
    assert.equal((await client.serverMetadata()).name, 'memory');
    const { signature } = await client.modelMetadata('identity_bf16', '1');
    assert.deepEqual(signature.inputs, [{ name: 'INPUT0', datatype: 'BF16', shape: [-1, -1] }]);
    assert.equal(signature.batchable, true);
    const [entry] = await client.repositoryIndex();
    assert.deepEqual(entry, { name: 'addsub', version: '1', state: 'READY', reason: '' });
    const [statistics] = await client.statistics('addsub');
    assert.deepEqual(statistics!.success, { count: 3, ns: 1_500_000 });
    assert.ok((await client.statistics()).length > 3);
    served.service.setReady(false);
    assert.equal(await client.ready(), false);
    assert.equal(await client.modelReady('addsub'), false);
    // Over gRPC one that is not there is not ready, as Triton's clients want it.
    if (transport === 'grpc') assert.equal(await client.modelReady('nobody'), false);
    else await assert.rejects(client.modelReady('nobody'), failsAs('MODEL_NOT_FOUND'));
  });

  test(`${transport}: sends deadline, priority, ids and trace context`, async () => {
    await using served = await serve();
    await using client = openClient({ url: served.url, timeoutMs: 5000 });
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await client.infer({ ...addsub, priority: 1, requestId: 'req-9', traceparent });
    const seen = served.service.seen.at(-1)!;
    assert.equal(seen.priority, 1);
    assert.equal(seen.requestId, 'req-9');
    assert.equal(seen.traceparent, traceparent);
    assert.ok(seen.deadlineMs! > 3000 && seen.deadlineMs! <= 5000, String(seen.deadlineMs));
  });

  test(`${transport}: carries the server's own code and words`, async () => {
    await using served = await serve();
    await using client = openClient({ url: served.url, retries: 0 });
    await assert.rejects(client.infer({ ...addsub, model: 'nö' }), failsAs('MODEL_NOT_FOUND', /got 'nö'/));
    served.service.failNext(new FlyballError('QUEUE_FULL', 'expected room', { retryAfterSeconds: 3 }));
    await assert.rejects(client.infer(addsub), (error: FlyballError) => {
      failsAs('QUEUE_FULL', /expected room/)(error);
      assert.equal(error.retryAfterSeconds, 3);
      return true;
    });
  });

  test(`${transport}: tries again what was refused, and never what may have been computed`, async () => {
    await using served = await serve();
    await using client = openClient({ url: served.url, retries: 2 });
    served.service.failNext(new FlyballError('MODEL_NOT_READY', 'expected a replica', { retryAfterSeconds: 0 }));
    assert.equal((await client.infer(addsub)).outputs.length, 2);
    assert.equal(served.service.seen.length, 2);
    served.service.failNext(new FlyballError('REPLICA_FAILED', 'the replica died'));
    await assert.rejects(client.infer(addsub), failsAs('REPLICA_FAILED'));
    assert.equal(served.service.seen.length, 3);
    served.service.failNext(new FlyballError('REPLICA_FAILED', 'the replica died'));
    assert.equal((await client.infer({ ...addsub, idempotent: true })).outputs.length, 2);
    served.service.failNext(new FlyballError('INFERENCE_FAILED', 'the runtime refused'));
    await assert.rejects(client.infer({ ...addsub, idempotent: true }), failsAs('INFERENCE_FAILED'));
  });

  test(`${transport}: gives the server's reason at once when its Retry-After is past the deadline`, async () => {
    await using served = await serve();
    await using client = openClient({ url: served.url, retries: 5, timeoutMs: 2000 });
    served.service.failNext(new FlyballError('OVERLOADED', 'expected less', { retryAfterSeconds: 60 }));
    await assert.rejects(client.infer(addsub), failsAs('OVERLOADED'));
    assert.equal(served.service.seen.length, 1);
  });

  test(`${transport}: a timeout, an abort and a close each end the call, here and at the server`, async () => {
    await using served = await serve();
    const client = openClient({ url: served.url });
    await client.infer(addsub);
    await assert.rejects(client.infer({ ...pending, timeoutMs: 60 }), failsAs('DEADLINE_EXCEEDED'));
    await until('the timed-out call is cancelled', () => served.service.cancelled === 1);
    const abort = new AbortController();
    const aborted = client.infer(pending, abort.signal);
    await until(
      'the second call has arrived',
      () => served.service.seen.filter((each) => each.model === 'pending').length === 2,
    );
    abort.abort(new Error('changed my mind'));
    await assert.rejects(
      aborted,
      (error: Error) => failsAs('CANCELLED')(error) && (error.cause as Error).message === 'changed my mind',
    );
    const closed = client.infer(pending);
    await until(
      'the third call has arrived',
      () => served.service.seen.filter((each) => each.model === 'pending').length === 3,
    );
    await client.close();
    await assert.rejects(closed, failsAs('CANCELLED'));
    await until('all are cancelled', () => served.service.cancelled === 3);
    await assert.rejects(client.live(), failsAs('CANCELLED'));
  });

  test(`${transport}: nobody listening is UNREACHABLE, after attempts that harm nobody`, async () => {
    const free = await listen(net.createServer());
    await free[Symbol.asyncDispose]();
    await using client = openClient({ url: `${transport}://127.0.0.1:${free.port}`, retries: 1 });
    await assert.rejects(client.infer(addsub), failsAs('UNREACHABLE', /could not connect/));
  });

  test(`${transport}: a server that comes up between two attempts gets the call`, async () => {
    const free = await listen(net.createServer());
    await free[Symbol.asyncDispose]();
    await using client = openClient({ url: `${transport}://127.0.0.1:${free.port}`, retries: 8, encoding: 'binary' });
    const answer = client.infer(addsub);
    const { server, grpc } = unbound();
    await new Promise<void>((resolve) => server.listen(free.port, '127.0.0.1', resolve));
    try {
      assert.equal((await answer).outputs.length, 2);
    } finally {
      server.close();
      if (server instanceof http.Server) server.closeAllConnections();
      await grpc[Symbol.asyncDispose]();
    }
  });

  test(`${transport}: a connection that breaks under a call is not retried unless that is harmless`, async () => {
    let connections = 0;
    await using broken = await listen(
      net.createServer((socket) => {
        connections += 1;
        socket.on('error', () => {});
        // Long enough to have taken the request: an HTTP/2 server must have spoken first.
        if (transport === 'grpc') socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
        socket.on('data', (chunk) => {
          if (transport === 'http' || chunk.includes('ModelInfer') || chunk.length > 60) socket.destroy();
        });
      }),
    );
    await using client = openClient({ url: `${transport}://127.0.0.1:${broken.port}`, retries: 2, encoding: 'json' });
    await assert.rejects(client.infer(addsub), failsAs('UNREACHABLE', /broken connection/));
    assert.equal(connections, 1);
    await assert.rejects(client.infer({ ...addsub, idempotent: true }), failsAs('UNREACHABLE'));
    assert.equal(connections, 4);
  });

  test(`${transport}: an answer over the limit is refused before it is held`, async () => {
    await using served = await serve();
    await using client = openClient({ url: served.url, responseBytesMax: 2000 });
    const input = tensor('INPUT0', 'UINT8', [1, 5000], new Uint8Array(5000));
    await assert.rejects(client.infer({ model: 'identity_uint8', inputs: [input] }), failsAs('TOO_LARGE'));
    assert.equal((await client.infer(addsub)).outputs.length, 2);
  });

  test(`${transport}: speaks over a Unix socket`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fb-'));
    const { server, grpc } = unbound();
    const path = join(folder, 's');
    await using _server = await listen(server, { path });
    await using client = openClient({ url: `${transport}+unix://${path}` });
    assert.equal((await client.infer(addsub)).outputs.length, 2);
    await grpc[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
}

const foreign: readonly [string, number, string, string][] = [
  ['Triton: unknown model', 400, '{"error":"Request for unknown model: \'x\' is not found"}', 'MODEL_NOT_FOUND'],
  ['Triton: bad input', 400, '{"error":"unexpected inference input \'y\' for model \'x\'"}', 'INVALID_REQUEST'],
  ['Triton: unsupported', 501, '{"error":"unsupported"}', 'NOT_IMPLEMENTED'],
  ['KServe: unknown model', 404, '{"error":"Model with name x does not exist."}', 'MODEL_NOT_FOUND'],
  ['KServe: not ready', 503, '{"error":"Model x is not ready"}', 'MODEL_NOT_READY'],
  ['FastAPI: detail', 422, '{"detail":"field required"}', 'INVALID_REQUEST'],
  ['a proxy in front', 502, '<html>Bad Gateway</html>', 'REPLICA_FAILED'],
  ['a server without words', 500, '', 'INFERENCE_FAILED'],
  ['no such server at all', 302, '', 'PROTOCOL'],
];

for (const [title, status, body, code] of foreign) {
  test(`the errors of others are typed too: ${title}`, async () => {
    await using server = await pretend((request, response) => {
      request.resume();
      response.writeHead(status).end(body);
    });
    await using client = openClient({ url: server.url, retries: 0, encoding: 'json' });
    await assert.rejects(client.infer(addsub), failsAs(code));
  });
}

test('an answer that is not of the protocol is a PROTOCOL error', async () => {
  await using server = await pretend((request, response) => {
    request.resume();
    response.end('{"hello":"world"}');
  });
  await using client = openClient({ url: server.url, encoding: 'json' });
  await assert.rejects(client.infer(addsub), failsAs('PROTOCOL'));
  await assert.rejects(client.serverMetadata(), failsAs('PROTOCOL', /name/));
  await using grpc = openClient({ url: server.url, transport: 'grpc', retries: 0 });
  await assert.rejects(grpc.infer(addsub), FlyballError);
});

test('asks once whether the server takes binary tensors, and sends JSON where it does not', async () => {
  const seen: string[] = [];
  await using server = await pretend((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-type'] ?? ''}`.trim());
    request.resume();
    response.setHeader('Server-Timing', 'queue;dur=0.25, compute;dur=2');
    response.end(
      request.url === '/v2'
        ? '{"name":"mlserver","version":"1","extensions":[]}'
        : '{"model_name":"addsub","outputs":[{"name":"OUTPUT0","datatype":"FP32","shape":[2],"data":[1,2]}]}',
    );
  });
  await using client = openClient({ url: server.url });
  await client.infer(addsub);
  const result = await client.infer(addsub);
  assert.deepEqual(seen, ['GET /v2', ...Array(2).fill('POST /v2/models/addsub/infer application/json')]);
  assert.deepEqual(result.output('OUTPUT0', 'FP32'), Float32Array.of(1, 2));
  assert.deepEqual(result.timing, { queue: 0.25, compute: 2 });
});

test('the API key and further headers go with each call', async () => {
  const seen: http.IncomingHttpHeaders[] = [];
  await using server = await pretend((request, response) => {
    seen.push(request.headers);
    response.end('{"live":true}');
  });
  await using client = openClient({ url: `${server.url}/prefix/`, apiKey: 'secret', headers: { 'X-Tenant': 'a' } });
  assert.equal(await client.live(), true);
  assert.equal(seen[0]!.authorization, 'Bearer secret');
  assert.equal(seen[0]!['x-tenant'], 'a');
});

test('a URL of no known kind is refused with the kinds there are', () => {
  for (const url of ['localhost:8000', 'ftp://x', '', 'http://']) {
    assert.throws(() => openClient({ url }), failsAs('INVALID_REQUEST', /grpc:\/\//));
  }
});

test('calls over gRPC that are made while nobody listens all know that nothing was sent', async () => {
  const gone = await listen(net.createServer());
  await gone[Symbol.asyncDispose]();
  await using client = openClient({ url: `grpc://127.0.0.1:${gone.port}`, retries: 0 });
  const inputs = [tensor('x', 'FP32', [1], [1])];
  const calls = Array.from({ length: 4 }, () => client.infer({ model: 'm', inputs }));
  for (const outcome of await Promise.allSettled(calls)) {
    assert.equal(outcome.status, 'rejected');
    assert.equal((outcome.reason as FlyballError).code, 'UNREACHABLE');
    assert.match(String(outcome.reason), /could not connect/, 'a further attempt is safe');
  }
});
