/** What the V2 protocol answers over REST; bytes and connections as they come are in server-bytes.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlyballError } from '../../errors.ts';
import { subscribe, type EventMap } from '../../telemetry/events.ts';
import type { InferenceRequest } from '../inference.ts';
import { startRest, type RawReply } from '../../testing/rest-server.ts';
import { tableService } from '../../testing/table-service.ts';

const path = '/v2/models/identity_fp32/infer';

const body = (count: number, extra: object = {}): string =>
  JSON.stringify({
    ...extra,
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, count], data: Array.from({ length: count }, (_, i) => i) }],
  });

const json = (reply: RawReply): Record<string, unknown> =>
  JSON.parse(reply.body.toString('utf8')) as Record<string, unknown>;

test('a wrong method is 405 and says which are right', async () => {
  await using server = await startRest(tableService());
  for (const [method, at, allow] of [
    ['POST', '/v2/health/live', 'GET, HEAD'],
    ['DELETE', '/v2', 'GET, HEAD'],
    ['GET', path, 'POST'],
    ['GET', '/v2/repository/index', 'POST'],
    ['GET', '/predictions/addsub', 'POST, PUT'],
    ['PATCH', '/ping', 'GET, HEAD, POST'],
  ] as const) {
    const reply = await server.send(method, at);
    assert.equal(reply.status, 405, `${method} ${at}`);
    assert.equal(reply.headers.allow, allow);
    // On TorchServe's paths `code` is the status.
    assert.equal(json(reply)['reason'] ?? json(reply)['code'], 'METHOD_NOT_ALLOWED');
  }
});

test('every GET route answers, with a query string and with a slash at its end', async () => {
  await using server = await startRest(tableService());
  const routes = [
    '/v2/health/live',
    '/v2/health/ready',
    '/livez',
    '/readyz',
    '/v2',
    '/v2/models/addsub',
    '/v2/models/addsub/versions/1',
    '/v2/models/addsub/ready',
    '/v2/models/addsub/versions/1/ready',
    '/v2/models/stats',
    '/v2/models/addsub/stats',
    '/v2/models/addsub/versions/1/stats',
    '/ping',
    '/openapi.json',
  ];
  for (const route of routes) {
    for (const suffix of ['', '?a=1&b', '/', '/?x=%2F']) {
      const reply = await server.send('GET', route + suffix);
      assert.equal(reply.status, 200, route + suffix);
      assert.equal(reply.headers['content-length'], String(reply.body.byteLength));
    }
  }
});

test('where there is no control, loading and unloading are an honest 501', async () => {
  await using server = await startRest(tableService());
  assert.equal((await server.send('POST', '/v2/repository/models/addsub/load')).status, 501);
  assert.equal((await server.send('POST', '/v2/repository/models/addsub/unload')).status, 501);
});

test('what is not offered says so with 501, and what is empty is empty', async () => {
  await using server = await startRest(tableService());
  for (const kind of ['systemsharedmemory', 'cudasharedmemory']) {
    const register = await server.send('POST', `/v2/${kind}/region/a/register`, '{"key":"/a","byte_size":64}');
    assert.equal(register.status, 501);
    assert.equal(json(register)['code'], 'NOT_IMPLEMENTED');
    assert.deepEqual(JSON.parse((await server.send('GET', `/v2/${kind}/status`)).body.toString()), []);
    assert.equal((await server.send('POST', `/v2/${kind}/unregister`)).status, 200);
    assert.equal((await server.send('POST', `/v2/${kind}/region/a/unregister`)).status, 200);
  }
});

test('a request of a sequence is an honest 501 with the way out, and one of none is answered', async () => {
  const seen: InferenceRequest[] = [];
  const before = async (request: InferenceRequest): Promise<void> => void seen.push(request);
  await using server = await startRest(tableService({ before }));
  const sequences: object[] = [
    { sequence_id: 7 },
    { sequence_id: 'patient', sequence_end: true },
    { sequence_id: 0, sequence_start: true },
  ];
  for (const parameters of sequences) {
    const reply = await server.send('POST', path, body(1, { parameters }));
    assert.equal(reply.status, 501);
    assert.equal(json(reply)['code'], 'NOT_IMPLEMENTED');
    assert.match(String(json(reply)['error']), /'sequence_\w+': sequences are not offered.*send the state as inputs/);
  }
  assert.deepEqual(seen, []);
  for (const parameters of [{ sequence_id: 0, sequence_start: false, sequence_end: false }, { sequence_id: '' }])
    assert.equal((await server.send('POST', path, body(1, { parameters }))).status, 200);
});

test('log and trace settings can be read; setting one is a 501 that names it', async () => {
  await using server = await startRest(tableService());
  assert.equal(json(await server.send('GET', '/v2/logging'))['log_info'], true);
  assert.deepEqual(json(await server.send('GET', '/v2/models/addsub/trace/setting'))['trace_level'], ['OFF']);
  assert.equal((await server.send('GET', '/v2/models/nobody/trace/setting')).status, 404);
  const refused = await server.send('POST', '/v2/logging', '{"log_verbose_level":1}');
  assert.equal(refused.status, 501);
  assert.match(String(json(refused)['error']), /log_verbose_level/);
  assert.equal((await server.send('POST', '/v2/trace/setting', '{"trace_level":["TIMESTAMPS"]}')).status, 501);
  assert.equal((await server.send('POST', '/v2/trace/setting')).status, 200, 'setting nothing is reading');
});

test("a model's configuration has the tensors of its metadata", async () => {
  await using server = await startRest(tableService());
  const config = json(await server.send('GET', '/v2/models/addsub/config'));
  assert.equal(config['max_batch_size'], 0);
  assert.deepEqual(
    (config['input'] as { name: string; data_type: string; dims: number[] }[]).map((one) => [
      one.name,
      one.data_type,
      one.dims,
    ]),
    [
      ['INPUT0', 'TYPE_INT32', [1, 16]],
      ['INPUT1', 'TYPE_INT32', [1, 16]],
    ],
  );
  assert.equal((await server.send('GET', '/v2/models/nobody/config')).status, 404);
});

test('a name that is broken percent-encoding is a 400', async () => {
  await using server = await startRest(tableService());
  const reply = await server.send('GET', '/v2/models/%E0%A4%A/ready');
  assert.equal(reply.status, 400);
  assert.equal(json(reply)['code'], 'INVALID_NAME');
});

test('the index lists all, or on request only what is ready', async () => {
  await using server = await startRest(tableService());
  const all = await server.send('POST', '/v2/repository/index');
  const ready = await server.send('POST', '/v2/repository/index', '{"ready":true}');
  assert.equal(JSON.parse(all.body.toString()).length, 2);
  assert.equal(JSON.parse(ready.body.toString()).length, 1);
  assert.equal((await server.send('POST', '/v2/repository/index', '{"ready":1}')).status, 400);
});

test('the OpenAPI document is of version 3.1 and every reference in it leads somewhere', async () => {
  await using server = await startRest(tableService());
  const document = json(await server.send('GET', '/openapi.json'));
  assert.match(String(document['openapi']), /^3\.1/);
  const known = Object.keys((document['components'] as { schemas: object }).schemas);
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
  let count = 0;
  for (const [, name] of references) {
    assert.ok(known.includes(String(name)), `no schema ${name}`);
    count++;
  }
  assert.ok(count > 20);
});

test('deadline, priority, request id and trace context reach the service', async () => {
  const seen: InferenceRequest[] = [];
  await using server = await startRest(
    tableService({
      before: async (request) => {
        seen.push(request);
      },
    }),
  );
  const reply = await server.send('POST', path, body(1, { id: 'a', parameters: { timeout: 250_000, priority: 1 } }), {
    'Flyball-Deadline-Ms': '400',
    'X-Request-ID': 'mine',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['x-request-id'], 'mine');
  const [request] = seen;
  assert.equal(request?.deadlineMs, 250);
  assert.equal(request?.priority, 1);
  assert.equal(request?.requestId, 'mine');
  assert.equal(request?.id, 'a');
  assert.equal(request?.traceparent, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  assert.equal(request?.traceId, '0af7651916cd43dd8448eb211c80319c');
  assert.equal(reply.headers['x-trace-id'], '0af7651916cd43dd8448eb211c80319c');
  assert.equal((await server.send('POST', path, body(1), { 'Flyball-Deadline-Ms': 'soon' })).status, 400);
  const other = await server.send('POST', path, body(1, { parameters: { timeout: 0, priority: 0 } }));
  assert.equal(other.status, 200);
  assert.equal(seen[1]?.deadlineMs, undefined);
  assert.equal(seen[1]?.priority, undefined);
  assert.notEqual(other.headers['x-request-id'], '');
});

test('who sends no valid trace context gets a trace of its own, named in the answer and in a failure', async () => {
  const seen: InferenceRequest[] = [];
  await using server = await startRest(tableService({ before: async (request) => void seen.push(request) }));
  const broken = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01' };
  for (const headers of [{}, broken]) {
    const { headers: got } = await server.send('POST', path, body(1), headers);
    assert.match(String(got['x-trace-id']), /^[0-9a-f]{32}$/);
    assert.notEqual(got['x-trace-id'], '0af7651916cd43dd8448eb211c80319c');
    assert.equal(seen.at(-1)?.traceId, got['x-trace-id']);
    assert.equal(seen.at(-1)?.traceparent, undefined);
  }
  assert.notEqual(seen[0]?.traceId, seen[1]?.traceId);
  const bad = await server.send('POST', path, 'no json');
  assert.equal(bad.status, 400);
  assert.match(String(bad.headers['x-trace-id']), /^[0-9a-f]{32}$/);
});

test('asking twice for an output, or for one that is not there, is a 400', async () => {
  await using server = await startRest(tableService());
  const twice = await server.send('POST', path, body(1, { outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT0' }] }));
  const unknown = await server.send('POST', path, body(1, { outputs: [{ name: 'OUTPUT9' }] }));
  assert.equal(twice.status, 400);
  assert.equal(unknown.status, 400);
  assert.match(String(json(unknown)['error']), /expected outputs among OUTPUT0, got OUTPUT9/);
});

test('overload carries Retry-After', async () => {
  await using server = await startRest(
    tableService({
      before: async () => {
        throw new FlyballError('QUEUE_FULL', 'expected fewer than 10 waiting, got 10', { retryAfterSeconds: 3 });
      },
    }),
  );
  const reply = await server.send('POST', path, body(1));
  assert.equal(reply.status, 503);
  assert.equal(reply.headers['retry-after'], '3');
});

test('what a service throws that is no error of the catalogue is a 500 and a fault', async () => {
  const faults: EventMap['flyball:fault'][] = [];
  const unsubscribe = subscribe('flyball:fault', (event) => faults.push(event));
  await using server = await startRest(
    tableService({
      before: async () => {
        throw new TypeError('undefined is not a function');
      },
    }),
  );
  const reply = await server.send('POST', path, body(1));
  unsubscribe();
  assert.equal(reply.status, 500);
  assert.equal(json(reply)['code'], 'INTERNAL');
  assert.equal(faults.length, 1);
});

test('each call ends in one event that names protocol, outcome and request id', async () => {
  const events: EventMap['flyball:request'][] = [];
  const unsubscribe = subscribe('flyball:request', (event) => events.push(event));
  await using server = await startRest(tableService());
  await server.send('POST', path, body(1), { 'x-request-id': 'one' });
  await server.send('POST', path, '{', { 'x-request-id': 'two' });
  await server.send('POST', '/v2/models/nobody/infer', body(1), { 'x-request-id': 'three' });
  await server.send('POST', '/predictions/sizes', '\x89PNG', { 'x-request-id': 'four' });
  unsubscribe();
  assert.deepEqual(
    events.map(({ deployment, protocol, outcome, requestId }) => [requestId, deployment, protocol, outcome]),
    [
      ['one', 'identity_fp32', 'rest', 'ok'],
      ['two', 'identity_fp32', 'rest', 'INVALID_JSON'],
      ['three', '', 'rest', 'MODEL_NOT_FOUND'],
      ['four', 'sizes', 'torchserve', 'ok'],
    ],
  );
});

test('a deadline is a plain decimal number above 0; everything else is refused and says what came', async () => {
  await using server = await startRest(tableService());
  for (const wrong of ['0', '-1', 'abc', '0x10', '1e400', 'Infinity', '1,5', '5ms']) {
    const reply = await server.send('POST', path, body(1), { 'flyball-deadline-ms': wrong });
    assert.equal(reply.status, 400, wrong);
    assert.match(String(json(reply)['error']), /Flyball-Deadline-Ms/);
  }
  for (const right of ['1000', '1500.5', '1e6', '99999999999999']) {
    assert.equal((await server.send('POST', path, body(1), { 'flyball-deadline-ms': right })).status, 200, right);
  }
});

test('who asks by Flyball-Timing is told where the time went, and nobody else', async () => {
  await using server = await startRest(tableService());
  const told = await server.send('POST', path, body(1), { 'flyball-timing': '1' });
  assert.match(String(told.headers['server-timing']), /^queue;dur=[\d.]+, compute;dur=[\d.]+, total;dur=[\d.]+$/);
  assert.equal((await server.send('POST', path, body(1))).headers['server-timing'], undefined);
});
