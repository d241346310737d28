import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import net from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { ControlService } from '../control/control-service.ts';
import { catalogue, FlyballError } from '../errors.ts';
import { openApiDocument } from './openapi.ts';
import { routes } from './routes.ts';
import { startApi, type ApiServer } from './server.ts';

const limits = { bodyBytesMax: 10_000, headerBytesMax: 16_384, connectionsMax: 100 };

/** Only what a test names is there; anything else that the API calls fails the test with its name. */
async function serve(partial: Partial<ControlService>): Promise<ApiServer> {
  const control = new Proxy(partial, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name);
      if (found !== undefined) return found;
      return () => {
        throw new Error(`unexpected call of ${String(name)}`);
      };
    },
  }) as ControlService;
  return startApi({ control, version: '0.0.0', limits, listen: { kind: 'port', host: '127.0.0.1', port: 0 } });
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** node:http and not fetch, which would not let Host be chosen. */
function ask(
  api: ApiServer,
  method: string,
  path: string,
  options: { readonly headers?: http.OutgoingHttpHeaders; readonly body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = api.address;
    const request = http.request(
      { host: '127.0.0.1', port, method, path, headers: options.headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

function problemOf(answer: Answer): { readonly code: string; readonly detail: string; readonly instance: string } {
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  return JSON.parse(answer.text) as ReturnType<typeof problemOf>;
}

const jsonType = { 'content-type': 'application/json' };

test('every kind of bad request is a problem document with a code of the catalogue', async () => {
  await using api = await serve({});
  const cases: readonly (readonly [string, string, Parameters<typeof ask>[3], string])[] = [
    ['GET', '/nowhere', {}, 'NOT_FOUND'],
    ['GET', '/api/v1/nowhere', {}, 'NOT_FOUND'],
    ['PATCH', '/api/v1/status', {}, 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/api/v1/status', {}, 'METHOD_NOT_ALLOWED'],
    ['POST', '/api/v1/plan', { headers: jsonType, body: '{"a":' }, 'INVALID_JSON'],
    ['POST', '/api/v1/plan', { headers: jsonType, body: '' }, 'INVALID_JSON'],
    ['POST', '/api/v1/plan', { headers: jsonType, body: '{"__proto__": {}}' }, 'INVALID_JSON'],
    ['POST', '/api/v1/plan', { headers: { 'content-type': 'text/csv' }, body: 'a' }, 'UNSUPPORTED_CONTENT'],
    [
      'POST',
      '/api/v1/plan',
      { headers: { 'content-type': 'application/octet-stream' }, body: 'a' },
      'UNSUPPORTED_CONTENT',
    ],
    ['POST', '/api/v1/plan', { headers: jsonType, body: JSON.stringify('x'.repeat(20_000)) }, 'TOO_LARGE'],
    ['POST', '/api/v1/plan', { headers: jsonType, body: '{}' }, 'INVALID_SPECIFICATION'],
    ['POST', '/api/v1/deployments/d/scale', { headers: jsonType, body: '{"replicas": -1}' }, 'INVALID_REQUEST'],
    ['POST', '/api/v1/deployments/d/scale', { headers: jsonType, body: '{"replicas": 1, "x": 1}' }, 'INVALID_REQUEST'],
    ['GET', '/api/v1/status?x=1', {}, 'INVALID_REQUEST'],
    ['GET', '/api/v1/operations/1?waitMs=99999999', {}, 'INVALID_REQUEST'],
    ['PUT', '/api/v1/artefacts/sha256:0', { headers: jsonType, body: '{}' }, 'UNSUPPORTED_CONTENT'],
    ['DELETE', '/api/v1/models/m/versions/zero', {}, 'INVALID_REQUEST'],
    ['GET', '/api/v1/status', { headers: { host: 'attacker.example' } }, 'FORBIDDEN'],
    ['GET', '/api/v1/status', { headers: { origin: 'https://attacker.example' } }, 'FORBIDDEN'],
    ['GET', '/api/v1/status', { headers: { 'sec-fetch-site': 'cross-site' } }, 'FORBIDDEN'],
  ];
  for (const [method, path, options, code] of cases) {
    const answer = await ask(api, method, path, options);
    const problem = problemOf(answer);
    assert.equal(problem.code, code, `${method} ${path}: ${problem.detail}`);
    assert.equal(answer.status, catalogue[code as keyof typeof catalogue].status);
    assert.equal(answer.headers['x-request-id'], problem.instance);
  }
});

const garbage: readonly (readonly [string, string | Buffer, http.OutgoingHttpHeaders])[] = [
  ['nothing', '', {}],
  ['no JSON', '{', jsonType],
  ['null', 'null', jsonType],
  ['an array', '[]', jsonType],
  ['a string', '"x"', jsonType],
  ['an unknown key', '{"zzz": 1}', jsonType],
  ['a deep array', '['.repeat(4000) + ']'.repeat(4000), jsonType],
  ['what is no text', Buffer.from([0xff, 0xfe, 0x7b]), jsonType],
  ['a form', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['no type at all', 'x', { 'content-type': ';;;' }],
  ['compressed', '{}', { ...jsonType, 'content-encoding': 'gzip' }],
  ['more than the limit', `"${'x'.repeat(limits.bodyBytesMax)}"`, jsonType],
];

test('whatever comes to whatever route is answered, and never as a fault of ours', async () => {
  const refuse = async (): Promise<never> => {
    throw new FlyballError('NOT_FOUND', 'there is nothing here');
  };
  const refusing = new Proxy({}, { get: () => refuse }) as ControlService;
  const none = { shutdown() {}, live: () => true, ready: () => true };
  await using api = await serve(Object.setPrototypeOf(none, refusing) as ControlService);
  const names = ['nope', '..%2f..%2fetc', '%00', '%ff', '%', 'a'.repeat(300), '__proto__', '%20'];
  const check = async (method: string, path: string, options: Parameters<typeof ask>[3], what: string) => {
    const answer = await ask(api, method, path, options);
    const where = `${method} ${path.slice(0, 80)} with ${what}: ${answer.status} ${answer.text}`;
    assert.ok(answer.status < 500, where);
    if (answer.status >= 400 && method !== 'HEAD') problemOf(answer);
    return answer;
  };
  for (const { method, path, id } of routes) {
    // A stream that does not end; events/hub.test.ts asks it.
    if (id === 'events') continue;
    for (const name of names) await check(method, `/api/v1${path.replace(/\{\w+\}/g, name)}`, {}, 'a strange name');
    const fine = `/api/v1${path.replace(/\{\w+\}/g, 'nope')}`;
    await check(method, `${fine}?zz=1&zz=2`, {}, 'an unknown query');
    for (const other of ['PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']) await check(other, fine, {}, 'that method');
    if (method === 'HEAD') continue;
    for (const [what, body, headers] of garbage) {
      const framed = { ...headers, 'content-length': Buffer.byteLength(body) };
      await check(method, fine, { headers: framed, body }, what);
    }
  }
});

test('what is not HTTP is answered with a problem too, once', async () => {
  await using api = await serve({});
  for (const bytes of ['hello\r\n\r\n', 'GET /livez HTTP/9.9\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000']) {
    const text = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = net.connect(api.address.port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => (received += chunk.toString()));
      socket.on('end', () => resolve(received));
      socket.on('error', reject);
    });
    assert.match(text, /^HTTP\/1\.1 400 /);
    assert.match(text, /content-type: application\/problem\+json/);
    assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1, text);
  }
});

test('the rules between keys hold for what comes over the API', async () => {
  await using api = await serve({});
  const put = async (path: string, method: string, body: unknown) =>
    problemOf(await ask(api, method, `/api/v1${path}`, { headers: jsonType, body: JSON.stringify(body) }));
  const deadline = { defaultMs: 10, maxMs: 1 };
  const deployed = await put('/deployments/d', 'PUT', { deployment: { model: 'm', deadline } });
  assert.equal(deployed.code, 'INVALID_SPECIFICATION');
  assert.match(deployed.detail, /deployment\.deadline\.defaultMs: expected at most maxMs, 1, got 10/);
  const planned = await put('/plan', 'POST', { specification: { models: { a: {} } }, models: {} });
  assert.match(planned.detail, /specification\.models\.a: expected where the model comes from/);
  // No size at all: the rule about how small it may be is asked with it, and must not fall over it.
  const influx = [{ kind: 'file', name: 'a', path: 'a', fileBytesMax: '' }];
  const sized = await put('/plan', 'POST', { specification: { telemetry: { influx } }, models: {} });
  assert.equal(sized.code, 'INVALID_SPECIFICATION');
  assert.match(sized.detail, /telemetry\.influx\.0\.fileBytesMax: /);
  const unknown = await put('/plan', 'POST', { specification: {}, models: {}, zz: 1 });
  assert.match(unknown.detail, /Unrecognized key: "zz"/);
});

test('an upload that its caller gives up is no fault of ours', async () => {
  const faults: unknown[] = [];
  const note = (fault: unknown): void => void faults.push(fault);
  subscribe('flyball:fault', note);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  await using api = await serve({
    async addVersion(_upload, body) {
      try {
        for await (const _chunk of body ?? []);
      } catch (error) {
        resolve(error);
        throw error;
      }
      throw new Error('expected the upload to break off');
    },
  });
  const request = http.request({
    host: '127.0.0.1',
    port: api.address.port,
    method: 'POST',
    path: '/api/v1/models/m/versions',
    headers: { 'content-type': 'application/octet-stream', 'content-length': 1_000_000 },
  });
  request.on('error', () => {});
  request.write('x'.repeat(1000), () => request.destroy());
  assert.ok((await promise) instanceof Error);
  // Answered after it, on the same loop: by then the first one has been dealt with.
  await ask(api, 'GET', '/nowhere');
  unsubscribe('flyball:fault', note);
  assert.deepEqual(faults, []);
});

test('a wrong method is told which ones there are', async () => {
  await using api = await serve({});
  assert.equal((await ask(api, 'PATCH', '/api/v1/specification')).headers['allow'], 'GET, PUT');
});

test('an invalid specification is told the place and what was expected there', async () => {
  await using api = await serve({});
  const body = JSON.stringify({ specification: { deployments: { d: { model: 'm', replica: 2 } } }, models: {} });
  const { detail } = problemOf(await ask(api, 'POST', '/api/v1/plan', { headers: jsonType, body }));
  assert.match(detail, /specification\.deployments\.d: .*replica/);
});

test('errors of control keep their code, status and Retry-After', async () => {
  await using api = await serve({
    status: async () => {
      throw new FlyballError('DRAINING', 'stopping', { retryAfterSeconds: 3 });
    },
  });
  const answer = await ask(api, 'GET', '/api/v1/status');
  assert.equal(problemOf(answer).code, 'DRAINING');
  assert.equal(answer.headers['retry-after'], '3');
});

test('an unexpected failure is an INTERNAL problem with the id of the request', async () => {
  await using api = await serve({ models: () => Promise.reject(new TypeError('boom')) });
  const problem = problemOf(await ask(api, 'GET', '/api/v1/models', { headers: { 'x-request-id': 'r-1' } }));
  assert.equal(problem.code, 'INTERNAL');
  assert.equal(problem.instance, 'r-1');
});

test('an upload is streamed, larger than a JSON body may be, with what the query says', async () => {
  const got: { upload: unknown; bytes: number }[] = [];
  await using api = await serve({
    async addVersion(upload, body) {
      let bytes = 0;
      for await (const chunk of body ?? []) bytes += (chunk as Buffer).length;
      got.push({ upload, bytes });
      return { version: 1 } as Awaited<ReturnType<ControlService['addVersion']>>;
    },
  });
  const query = 'version=3&by=ada&asset=labels.txt%3Dsha256:1&asset=a%3Db.png%3Dsha256:2';
  const headers = { 'content-type': 'application/octet-stream' };
  const answer = await ask(api, 'POST', `/api/v1/models/m/versions?${query}`, { headers, body: Buffer.alloc(200_000) });
  assert.equal(answer.status, 201);
  const assets = { 'labels.txt': 'sha256:1', 'a=b.png': 'sha256:2' };
  assert.deepEqual(got, [{ upload: { name: 'm', by: 'ada', source: 'upload', assets, version: 3 }, bytes: 200_000 }]);
});

test('an upload without a body uses the artefact that its digest names', async () => {
  const bodies: unknown[] = [];
  await using api = await serve({
    async addVersion(_upload, body) {
      bodies.push(body);
      return { version: 1 } as Awaited<ReturnType<ControlService['addVersion']>>;
    },
  });
  const path = '/api/v1/models/m/versions?digest=sha256:1';
  await ask(api, 'POST', path);
  await ask(api, 'POST', path, { headers: { 'content-type': 'application/octet-stream', 'content-length': 0 } });
  assert.deepEqual(bodies, [undefined, undefined]);
});

test('an artefact is answered with its bytes, and HEAD with its size alone', async () => {
  await using api = await serve({
    artefact: async (digest) => ({ digest, bytes: 3, open: () => Readable.from([Buffer.from('abc')]) }),
  });
  assert.equal((await ask(api, 'GET', '/api/v1/artefacts/sha256:1')).text, 'abc');
  const head = await ask(api, 'HEAD', '/api/v1/artefacts/sha256:1');
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-length'], '3');
});

test('a long poll is answered when the server drains', async () => {
  const asked = Promise.withResolvers<void>();
  const api = await serve({
    async operation(_id, _after, _waitMs, signal) {
      asked.resolve();
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve());
      });
      throw new FlyballError('DRAINING', 'stopping');
    },
  });
  const answer = ask(api, 'GET', '/api/v1/operations/1?waitMs=30000');
  await asked.promise;
  await api.drain(5000);
  assert.equal(problemOf(await answer).code, 'DRAINING');
});

test('livez and readyz say what control says', async () => {
  await using api = await serve({ live: () => true, ready: () => false });
  assert.equal((await ask(api, 'GET', '/livez')).status, 200);
  assert.equal((await ask(api, 'GET', '/readyz')).status, 503);
});

test('the OpenAPI document is served and names exactly the routes that are dispatched', async () => {
  await using api = await serve({});
  const { status, text } = await ask(api, 'GET', '/api/v1/openapi.json');
  assert.equal(status, 200);
  const document = JSON.parse(text) as { openapi: string; paths: Record<string, Record<string, unknown>> };
  assert.equal(document.openapi, '3.1.0');
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const declared = routes.map(({ method, path }) => `${method} /api/v1${path}`);
  assert.deepEqual(documented.toSorted(), declared.toSorted());
});

test('every reference in the OpenAPI document leads somewhere', () => {
  const document = openApiDocument('0.0.0');
  const text = JSON.stringify(document);
  const names = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name));
  const schemas = (document['components'] as { readonly schemas: object }).schemas;
  assert.ok(names.size > 5);
  for (const name of names) assert.ok(Object.hasOwn(schemas, name ?? ''), `no schema ${name}`);
});
