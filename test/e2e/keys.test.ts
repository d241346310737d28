/**
 * API keys on a real platform: every listener asks for them, scopes and deployments hold, a rate limit answers 429, a
 * revoked key is dead at once, a dead control takes nobody's access away, and no secret is ever written down.
 * It is long because one platform serves it all, and its last test looks for the secrets of all the others.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FlyballError, openClient, tensor } from '../../src/client/client.ts';
import { doubler } from '../fixtures/models.ts';
import { ask, v2, type Answer } from '../support/ask.ts';
import { runCli, type CliResult } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { childPid } from '../support/processes.ts';
import { openRaw } from '../support/raw.ts';

const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const input = [tensor('x', 'FP32', [1, 4], [1, 2, 3, 4])];
const bearer = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };

describe('a platform whose callers need keys', () => {
  let platform: Platform;
  const secrets: string[] = [];
  const cli = (args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
    runCli([...args, '--data-dir', platform.dataDirectory], env);
  /** Made as an operator makes it, at the command line. */
  const keyFor = async (
    name: string,
    ...options: string[]
  ): Promise<{ readonly id: string; readonly secret: string }> => {
    const made = await cli(['keys', 'create', name, ...options]);
    assert.equal(made.code, 0, made.stderr);
    const secret = made.stdout.trim();
    secrets.push(secret);
    return { secret, id: /key ([0-9a-f]{12}) for/.exec(made.stderr)?.[1] ?? '' };
  };
  const infer = (key: string | undefined, model = 'doubler', headers: Record<string, string> = {}): Promise<Answer> =>
    ask(`${platform.http}/v2/models/${model}/infer`, { body: row, headers: { ...bearer(key), ...headers } });
  const control = (key: string | undefined, path: string, method = 'GET', json?: unknown): Promise<Answer> =>
    ask(`${platform.control}/api/v1/${path}`, {
      method,
      headers: { ...bearer(key), ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
  /** On TorchServe's paths `code` is the status, and ours is `reason`. */
  const codeOf = (answer: Answer): readonly unknown[] => {
    const { code, reason } = answer.json();
    return [answer.status, reason ?? code];
  };

  before(async () => {
    platform = await startPlatform({
      models: { 'doubler/1/model.onnx': doubler() },
      specification: {
        auth: { keys: 'required' },
        listeners: { management: { port: 0 } },
        models: { doubler: { path: './models/doubler' } },
        deployments: {
          doubler: { model: 'doubler', replicas: { min: 1, max: 2 } },
          other: { model: 'doubler' },
        },
      },
      arguments: ['--log-level', 'trace'],
    });
    await platform.serving();
    secrets.push(platform.adminKey() ?? '');
  });
  after(() => platform[Symbol.asyncDispose]());

  test('the first key is made at the first start, for its owner alone, and the command line finds it', async () => {
    assert.equal(statSync(join(platform.dataDirectory, 'admin.key')).mode & 0o777, 0o600);
    const listed = await cli(['keys', '-o', 'json']);
    assert.equal(listed.code, 0, listed.stderr);
    const [first] = JSON.parse(listed.stdout) as { scopes: string[]; hash?: string; secret?: string }[];
    assert.deepEqual([first?.scopes, first?.hash, first?.secret], [['admin'], undefined, undefined]);
    assert.equal((await cli(['infer', 'doubler', '-', '--type', 'json', '--help'])).code, 0);
    assert.match(platform.output().stderr, /the first is in .*admin\.key/);
    // What is proposed works as it stands.
    await until('what to try', () => platform.output().stdout.includes('Try:') || undefined);
    assert.match(
      platform.output().stdout,
      /Try:\n  curl -H "Authorization: Bearer \$\(cat '.*admin\.key'\)" http:.*\/v2\/models\/doubler\n/,
    );
  });

  test('without a key every listener answers 401 and says how; health is open everywhere', async () => {
    const paths = [
      '/v2',
      '/v2/models/doubler',
      '/v2/models/stats',
      '/openapi.json',
      '/predictions/doubler',
      '/nowhere',
    ];
    for (const path of paths) {
      const answer = await ask(`${platform.http}${path}`);
      assert.deepEqual(codeOf(answer), [401, 'UNAUTHENTICATED'], path);
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="flyball"', path);
    }
    for (const path of ['status', 'models', 'keys', 'openapi.json', 'nowhere'])
      assert.deepEqual(codeOf(await control(undefined, path)), [401, 'UNAUTHENTICATED'], path);
    const metrics = await ask(`${platform.metrics}/metrics`);
    assert.deepEqual([metrics.status, metrics.headers['www-authenticate']], [401, 'Bearer realm="flyball"']);
    for (const path of ['/livez', '/readyz', '/v2/health/live', '/v2/health/ready', '/ping'])
      assert.equal((await ask(`${platform.http}${path}`)).status, 200, path);
    for (const path of ['/livez', '/readyz']) assert.equal((await ask(`${platform.control}${path}`)).status, 200, path);
    await using nobody = openClient({ url: platform.grpc.replace('http', 'grpc'), retries: 0 });
    assert.equal(await nobody.ready(), true);
    await assert.rejects(nobody.modelMetadata('doubler'), { code: 'UNAUTHENTICATED' });
    await assert.rejects(nobody.infer({ model: 'doubler', inputs: input }), { code: 'UNAUTHENTICATED' });
  });

  test('paths that only look like health are not open', async () => {
    for (const path of [
      '/livez/../v2',
      '/ping/x',
      '/v2/health/live/..',
      '/%6civez',
      '//livez',
      '/livez;/v2',
      '/PING',
    ]) {
      const answer = await ask(new URL(platform.http).origin + path).catch(() => undefined);
      if (answer !== undefined && answer.status === 200) assert.match(String(answer.body), /live/, path);
    }
    assert.equal((await ask(`${platform.http}/v2?/livez`)).status, 401);
    assert.equal((await ask(`${platform.http}/livez?x=/v2`)).status, 200);
  });

  test('unknown, malformed and revoked keys cannot be told apart', async () => {
    const gone = await keyFor('gone');
    assert.equal((await infer(gone.secret)).status, 200);
    assert.equal((await cli(['keys', 'revoke', gone.id])).code, 0);
    const never = `flyball_${'0'.repeat(12)}_${'A'.repeat(43)}`;
    const texts = new Set<string>();
    for (const key of [gone.secret, never, 'x', gone.secret.slice(0, -1)]) {
      const answer = await infer(key, 'doubler', { 'x-request-id': 'same' });
      texts.add(`${answer.status} ${JSON.stringify({ ...answer.headers, date: '' })} ${answer.body.toString()}`);
    }
    assert.equal(texts.size, 1, [...texts].join('\n'));
  });

  test('a key does what its scopes say on both planes, and no more', async () => {
    const { secret: infers } = await keyFor('ward-7', '--scope', 'infer');
    const { secret: reads } = await keyFor('monitoring', '--scope', 'read');
    const { secret: operates } = await keyFor('night shift', '--scope', 'operate');
    const admin = platform.adminKey();
    const scale = (key: string | undefined) =>
      control(key, 'deployments/doubler/scale', 'POST', { replicas: 1, by: 'a stranger' });
    const rows: readonly (readonly [string | undefined, string, readonly number[]])[] = [
      // infer, metadata, metrics, status, scale, keys
      [infers, 'infer', [200, 200, 403, 403, 403, 403]],
      [reads, 'read', [403, 200, 200, 200, 403, 403]],
      [operates, 'operate', [403, 200, 200, 200, 202, 403]],
      [admin, 'admin', [200, 200, 200, 200, 202, 200]],
    ];
    for (const [key, name, expected] of rows) {
      const answers = [
        await infer(key),
        await ask(`${platform.http}/v2/models/doubler`, { headers: bearer(key) }),
        await ask(`${platform.metrics}/metrics`, { headers: bearer(key) }),
        await control(key, 'status'),
        await scale(key),
        await control(key, 'keys'),
      ];
      assert.deepEqual(
        answers.map(({ status }) => status),
        expected,
        name,
      );
    }
    assert.deepEqual(codeOf(await infer(reads)), [403, 'FORBIDDEN']);
    assert.equal((await ask(`${platform.http}/v2`, { headers: { 'x-api-key': infers } })).status, 200, 'X-API-Key');
    const denied = await cli(['status'], { FLYBALL_API_KEY: infers });
    assert.match(denied.stderr, /FORBIDDEN/);
    assert.equal((await cli(['status'], { FLYBALL_API_KEY: reads })).code, 0);
  });

  test('who may infer on one deployment may do so through control, in its own name; who may not read it finds no trace of it', async () => {
    const { secret: infers } = await keyFor('ward-11', '--scope', 'infer', '--deployment', 'doubler');
    const { secret: reads } = await keyFor('watcher 3', '--scope', 'read', '--deployment', 'doubler');
    const { secret: strange } = await keyFor('watcher 4', '--scope', 'read', '--deployment', 'other');
    const play = (key: string | undefined, name: string) =>
      ask(`${platform.control}/api/v1/deployments/${name}/infer`, {
        body: row,
        headers: { ...bearer(key), 'content-type': 'application/json' },
      });
    const answer = await play(infers, 'doubler');
    assert.equal(answer.status, 200, answer.body.toString());
    assert.deepEqual(codeOf(await play(infers, 'other')), [403, 'FORBIDDEN']);
    assert.deepEqual(codeOf(await play(reads, 'doubler')), [403, 'FORBIDDEN']);
    assert.equal((await play(undefined, 'doubler')).status, 401);

    const path = `requests/${answer.headers['x-trace-id'] as string}`;
    const { requests } = (await control(reads, path)).json() as { requests: { by: string }[] };
    assert.deepEqual(
      requests.map(({ by }) => by),
      ['ward-11'],
    );
    assert.deepEqual(codeOf(await control(strange, path)), [404, 'REQUEST_NOT_FOUND']);
    assert.deepEqual(codeOf(await control(strange, 'deployments/doubler/requests')), [403, 'FORBIDDEN']);
    assert.deepEqual(codeOf(await control(infers, path)), [403, 'FORBIDDEN']);
  });

  test('who operates one deployment decides about it, and about no other', async () => {
    const { secret } = await keyFor('ward lead', '--scope', 'operate', '--deployment', 'doubler');
    const say = { mode: 'advise', by: 'me' };
    assert.equal((await control(secret, 'deployments/doubler/mode', 'PUT', say)).status, 200);
    assert.deepEqual(codeOf(await control(secret, 'deployments/other/mode', 'PUT', say)), [403, 'FORBIDDEN']);

    const stop = { reason: 'it is looked at', by: 'me' };
    assert.deepEqual(codeOf(await control(secret, 'governor/halt', 'PUT', stop)), [403, 'FORBIDDEN']);
    assert.deepEqual(codeOf(await control(secret, 'deployments/other/halt', 'PUT', stop)), [403, 'FORBIDDEN']);
    const halted = await control(secret, 'deployments/doubler/halt', 'PUT', stop);
    assert.equal(halted.status, 200, halted.body.toString());
    assert.equal((await control(platform.adminKey(), 'deployments/other/halt', 'PUT', stop)).status, 200);
    const shown = (await control(secret, 'governor')).json() as { halts?: Record<string, { by: string }> };
    assert.deepEqual(
      Object.entries(shown.halts ?? {}).map(([name, { by }]) => [name, by]),
      [['doubler', 'ward lead']],
      'of its own deployment, in its own name, and of no other',
    );
    const released = await cli(['halt', 'doubler', '--release', '--reason', 'over'], { FLYBALL_API_KEY: secret });
    assert.equal(released.code, 0, released.stderr);
    const not = await cli(['halt', 'other', '--release', '--reason', 'over'], { FLYBALL_API_KEY: secret });
    assert.match(not.stderr, /FORBIDDEN/);
    assert.equal((await cli(['halt', 'other', '--release', '--reason', 'over'])).code, 0);

    // Nobody learns from a narrow key which changes of others wait.
    const unknown = await control(secret, 'approvals/12345678/approve', 'POST', { by: 'me' });
    assert.deepEqual(codeOf(unknown), [403, 'FORBIDDEN']);
    assert.equal((await control(platform.adminKey(), 'approvals/12345678/approve', 'POST', { by: 'me' })).status, 404);
  });

  test("TorchServe's management port asks for the same keys, scopes and deployments, and says no in its own form", async () => {
    const { secret: infers } = await keyFor('ward-9', '--scope', 'infer');
    const { secret: reads } = await keyFor('watcher', '--scope', 'read');
    const { secret: operates } = await keyFor('night shift 2', '--scope', 'operate', '--deployment', 'doubler');
    const manage = (key: string | undefined, method: string, path: string): Promise<Answer> =>
      ask(`${platform.management}${path}`, { method, headers: bearer(key) });
    const without = await manage(undefined, 'GET', '/models');
    assert.deepEqual(codeOf(without), [401, 'UNAUTHENTICATED']);
    assert.equal(without.json()['code'], 401);
    assert.equal(without.headers['www-authenticate'], 'Bearer realm="flyball"');
    assert.equal((await manage(undefined, 'GET', '/ping')).status, 200);
    const rows: readonly (readonly [string | undefined, string, readonly number[]])[] = [
      // list, describe, scale its deployment, scale another, register
      [infers, 'infer', [403, 403, 403, 403, 403]],
      [reads, 'read', [200, 200, 403, 403, 403]],
      [operates, 'operate on one', [403, 200, 202, 403, 403]],
      [platform.adminKey(), 'admin', [200, 200, 202, 202, 400]],
    ];
    for (const [key, name, expected] of rows) {
      const answers = [
        await manage(key, 'GET', '/models'),
        await manage(key, 'GET', '/models/doubler'),
        await manage(key, 'PUT', '/models/doubler?min_worker=1&max_worker=2'),
        await manage(key, 'PUT', '/models/other?min_worker=1'),
        await manage(key, 'POST', '/models?url=nowhere.mar'),
      ];
      const [statuses, codes] = [answers.map(({ status }) => status), answers.map((answer) => answer.json()['code'])];
      assert.deepEqual(statuses, expected, name);
      for (const [index, status] of statuses.entries()) if (status >= 400) assert.equal(codes[index], status, name);
    }
  });

  test('management over the inference port asks control with the same key, in its name', async () => {
    const { secret: infers } = await keyFor('ward-8');
    const { secret: leads, id } = await keyFor('release team', '--scope', 'admin');
    const path = `${platform.http}/v2/repository/models/doubler/load`;
    const load = (key: string | undefined): Promise<Answer> =>
      ask(path, { body: '{}', headers: { ...bearer(key), 'content-type': 'application/json', by: 'a stranger' } });
    assert.deepEqual(codeOf(await load(undefined)), [401, 'UNAUTHENTICATED']);
    assert.deepEqual(codeOf(await load(infers)), [403, 'FORBIDDEN']);
    assert.equal((await load(leads)).status, 200);
    assert.equal((await cli(['keys', 'revoke', id])).code, 0);
    assert.equal((await load(leads)).status, 401);
    const socket = join(platform.dataDirectory, 'run', 'api.sock');
    const beside = await new Promise<number | undefined>((resolve, reject) => {
      http
        .get({ socketPath: socket, path: '/api/v1/status' }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', reject);
    });
    assert.equal(beside, 401, 'the Unix socket is no way round');
  });

  test('who may not is refused from the head of the request alone, and what follows it is read as what it is', async () => {
    const { secret: infers } = await keyFor('ward-10', '--scope', 'infer', '--deployment', 'doubler');
    const { secret: reads } = await keyFor('watcher 2', '--scope', 'read');
    const port = Number(new URL(platform.http).port);
    const rest = 'GET /v2/models/smuggled HTTP/1.1\r\nHost: flyball\r\n\r\n'.padEnd(4000, ' ');
    const head = (path: string, key: string | undefined, ...more: readonly string[]): string =>
      [
        `POST ${path} HTTP/1.1`,
        'Host: flyball',
        'Content-Type: application/json',
        ...(key === undefined ? [] : [`Authorization: Bearer ${key}`]),
        ...(more.length > 0 ? more : [`Content-Length: ${rest.length + 2}`]),
        '',
        '',
      ].join('\r\n');
    const refused = [
      [undefined, '/v2/models/doubler/infer', 401],
      [reads, '/v2/models/doubler/infer', 403],
      [reads, '/v2/models/doubler/generate', 403],
      [reads, '/predictions/doubler', 403],
      [infers, '/v2/models/other/infer', 403],
      [infers, '/v2/repository/models/doubler/load', 403],
    ] as const;
    for (const [key, path, status] of refused) {
      await using counted = await openRaw(port);
      counted.send(head(path, key));
      await counted.reaches(new RegExp(`^HTTP/1.1 ${status} .*"(code|type)"`, 's'));
      // The rest of its body, and a request of its own: two answers, and none to what only looks like a request.
      counted.send(`{}${rest}GET /livez HTTP/1.1\r\nHost: flyball\r\n\r\n`);
      await counted.reaches(/HTTP\/1\.1 200 .*"live":true/s);
      assert.equal(counted.received.match(/HTTP\/1\.1 \d/g)?.length, 2, counted.received);
      await using chunked = await openRaw(port);
      chunked.send(`${head(path, key, 'Transfer-Encoding: chunked')}2\r\n{}\r\n`);
      await chunked.reaches(new RegExp(`^HTTP/1.1 ${status} `));
      await using polite = await openRaw(port);
      polite.send(head(path, key, 'Content-Length: 4000', 'Expect: 100-continue'));
      await polite.reaches(new RegExp(`^HTTP/1.1 ${status} .*connection: close`, 'is'));
      assert.doesNotMatch(polite.received, /100 Continue/);
    }
    await using good = await openRaw(port);
    good.send(head('/v2/models/doubler/infer', infers, `Content-Length: ${row.length}`, 'Expect: 100-continue'));
    await good.reaches(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    good.send(row);
    await good.reaches(/HTTP\/1\.1 200 OK/);

    const session = http2.connect(platform.grpc);
    try {
      for (const [key, method, status] of [
        [undefined, 'ModelInfer', '16'],
        [reads, 'ModelInfer', '7'],
        [reads, 'ModelStreamInfer', '7'],
        [infers, 'RepositoryModelLoad', '7'],
      ] as const) {
        const call = session.request({
          ':method': 'POST',
          ':path': `/inference.GRPCInferenceService/${method}`,
          'content-type': 'application/grpc',
          ...bearer(key),
        });
        const [headers] = (await once(call, 'response')) as [http2.IncomingHttpHeaders];
        assert.equal(headers['grpc-status'], status, `${method}: ${String(headers['grpc-message'])}`);
        // Its message never comes: the stream is closed all the same, and its connection goes on.
        await once(call, 'close');
      }
      assert.equal(session.closed, false);
    } finally {
      session.destroy();
    }
  });

  test('nobody can say to be somebody else: operations carry the name of the key', async () => {
    const { secret } = await keyFor('shift lead', '--scope', 'operate');
    const answer = await control(secret, 'deployments/doubler/scale', 'POST', { replicas: 1, by: 'a stranger' });
    assert.equal(answer.json()['by'], 'shift lead');
    const operations = (await control(secret, 'operations')).json() as unknown as { by: string; kind: string }[];
    assert.ok(!operations.some(({ by }) => by === 'a stranger'));
  });

  test('a key for one deployment reaches no other, and sees no other in lists', async () => {
    const { secret } = await keyFor('narrow', '--scope', 'infer,operate', '--deployment', 'doubler');
    assert.equal((await infer(secret)).status, 200);
    assert.deepEqual(codeOf(await infer(secret, 'other')), [403, 'FORBIDDEN']);
    assert.deepEqual(codeOf(await infer(secret, 'nothing')), [403, 'FORBIDDEN'], 'nor does it learn what there is');
    const index = await ask(`${platform.http}/v2/repository/index`, { headers: bearer(secret), body: '{}' });
    assert.deepEqual(
      (index.json() as unknown as { name: string }[]).map(({ name }) => name),
      ['doubler'],
    );
    assert.equal((await control(secret, 'deployments/doubler')).status, 200);
    assert.deepEqual(codeOf(await control(secret, 'deployments/other')), [403, 'FORBIDDEN']);
    const status = await control(secret, 'status');
    assert.deepEqual(
      (status.json()['deployments'] as { name: string }[]).map(({ name }) => name),
      ['doubler'],
    );
    assert.ok(!status.body.includes('other'), status.body.toString());
    assert.deepEqual(codeOf(await control(secret, 'deployments/other/scale', 'POST', { replicas: 1 })), [
      403,
      'FORBIDDEN',
    ]);
    await using client = openClient({ url: platform.grpc.replace('http', 'grpc'), apiKey: secret, retries: 0 });
    assert.equal((await client.infer({ model: 'doubler', inputs: input })).outputs.length, 1);
    await assert.rejects(client.infer({ model: 'other', inputs: input }), { code: 'FORBIDDEN' });
    assert.deepEqual(
      (await client.repositoryIndex()).map(({ name }) => name),
      ['doubler'],
    );
  });

  test('over its rate a key gets 429 with Retry-After, RESOURCE_EXHAUSTED over gRPC, and others go on', async () => {
    const { secret } = await keyFor('hasty', '--rate', '1/m', '--burst', '3');
    const { secret: other } = await keyFor('calm');
    for (let index = 0; index < 3; index += 1) assert.equal((await infer(secret)).status, 200);
    const refused = await infer(secret);
    assert.deepEqual(codeOf(refused), [429, 'RATE_LIMITED']);
    assert.ok(Number(refused.headers['retry-after']) > 30, refused.headers['retry-after']);
    await using client = openClient({ url: platform.grpc.replace('http', 'grpc'), apiKey: secret, retries: 0 });
    await assert.rejects(client.infer({ model: 'doubler', inputs: input }), (error) => {
      assert.ok(error instanceof FlyballError && error.code === 'RATE_LIMITED' && error.retryAfterSeconds! > 30);
      return true;
    });
    assert.equal((await infer(other)).status, 200);
    const metrics = await ask(`${platform.metrics}/metrics`, { headers: bearer(platform.adminKey()) });
    assert.match(
      metrics.body.toString(),
      /flyball_refusals_total\{listener="http",code="RATE_LIMITED",by="hasty"\} 1\n/,
    );
  });

  test('an open stream dies with its key', async () => {
    const { secret, id } = await keyFor('streamer');
    const session = http2.connect(platform.grpc);
    const call = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...bearer(secret),
    });
    const status = new Promise<unknown>((resolve) => {
      call.on('response', (headers) => headers['grpc-status'] !== undefined && resolve(headers['grpc-status']));
      call.on('trailers', (trailers) => resolve(trailers['grpc-status']));
    });
    // The same connection, whose key was accepted a moment ago.
    call.end(Buffer.from([0, 0, 0, 0, 0]));
    assert.equal(await status, '3', 'an empty request: let in, and refused for what it says');
    assert.equal((await cli(['keys', 'revoke', id])).code, 0);
    const late = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...bearer(secret),
    });
    const ended = new Promise<unknown>((resolve) => late.on('response', (headers) => resolve(headers['grpc-status'])));
    late.end();
    assert.equal(await ended, '16');
    session.destroy();
  });

  test('the last admin key cannot be revoked, and an admin key cannot be narrow', async () => {
    const listed = JSON.parse((await cli(['keys', '-o', 'json'])).stdout) as { id: string; scopes: string[] }[];
    const admin = listed.find(({ scopes }) => scopes.includes('admin'));
    const refused = await cli(['keys', 'revoke', admin?.id ?? '']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /last key with the scope admin/);
    const narrow = await cli(['keys', 'create', 'x', '--scope', 'admin', '--deployment', 'doubler']);
    assert.match(narrow.stderr, /cannot be limited to deployments/);
  });

  test('a browser that signs in is known to the console alone: on every other port its cookie is nothing', async () => {
    const { secret } = await keyFor('walker', '--scope', 'operate,infer');
    const signedIn = await control(undefined, 'sign-in', 'POST', { key: secret });
    assert.equal(signedIn.status, 200, signedIn.body.toString());
    const [cookie = ''] = signedIn.headers['set-cookie']?.[0]?.split(';', 1) ?? [];
    secrets.push(cookie.slice('flyball='.length));
    const asked = await ask(`${platform.control}/api/v1/caller`, { headers: { cookie } });
    assert.partialDeepStrictEqual(asked.json(), { name: 'walker', scopes: ['operate', 'infer'] });
    assert.equal((await infer(undefined, 'doubler', { cookie })).status, 401);
    for (const url of [`${platform.metrics}/metrics`, `${platform.management}/models`])
      assert.equal((await ask(url, { headers: { cookie } })).status, 401, url);
    const noted = await until('the sign-in is in the journal', async () => {
      const entries = (await control(platform.adminKey(), 'journal?order=newest&limit=20')).json() as unknown as {
        action: string;
        by: string;
      }[];
      return entries.find(({ action }) => action === 'sign in');
    });
    assert.equal(noted.by, 'walker');
  });

  test('whoever is signed in when control is killed stops the governor with the same cookie once it is back', async () => {
    const ownPage = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
    const signIn = async (key: string): Promise<string> => {
      const answer = await control(undefined, 'sign-in', 'POST', { key });
      const cookie = answer.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
      secrets.push(cookie.slice('flyball='.length));
      return cookie;
    };
    const callerOf = (cookie: string): Promise<Answer> =>
      ask(`${platform.control}/api/v1/caller`, { headers: { cookie } });
    const halt = (cookie: string, headers: Record<string, string>): Promise<Answer> =>
      ask(`${platform.control}/api/v1/governor/halt`, {
        method: 'PUT',
        headers: { cookie, ...headers },
        body: JSON.stringify({ reason: 'it came up like this' }),
      });
    const [guard, gone] = [
      await keyFor('guard', '--scope', 'operate'),
      await keyFor('gone guard', '--scope', 'operate'),
    ];
    const [kept, left, lost] = [await signIn(guard.secret), await signIn(guard.secret), await signIn(gone.secret)];
    const signedInUntil = (await callerOf(kept)).json()['signedInUntil'];
    const out = await ask(`${platform.control}/api/v1/sign-out`, {
      method: 'POST',
      headers: { cookie: left, ...ownPage },
      body: '{}',
    });
    assert.equal(out.status, 204);
    assert.equal((await cli(['keys', 'revoke', gone.id])).code, 0);

    const pid = childPid(platform, 'control');
    process.kill(pid, 'SIGKILL');
    const back = await until(
      'the next control to answer',
      async () => {
        const answer = await callerOf(kept).catch(() => undefined);
        return answer !== undefined && childPid(platform, 'control') !== pid ? answer : undefined;
      },
      120_000,
    );
    assert.partialDeepStrictEqual(back.json(), { name: 'guard', scopes: ['operate'], signedInUntil });
    for (const cookie of [left, lost]) assert.equal((await callerOf(cookie)).status, 401);
    const { 'sec-fetch-site': _site, ...foreign } = ownPage;
    assert.equal((await halt(kept, foreign)).status, 403, 'and still no page of another site');
    const halted = await halt(kept, ownPage);
    assert.equal(halted.status, 200, halted.body.toString());
    assert.partialDeepStrictEqual(halted.json(), { halt: { by: 'guard' } });
    assert.equal((await cli(['halt', '--release', '--reason', 'it is looked at'])).code, 0);
  });

  test('while control is dead keys go on being known, and a gateway that starts then knows them too', async () => {
    const { secret } = await keyFor('steady');
    // Stopped and not killed: the supervisor would have another one there in a moment.
    const pid = childPid(platform, 'control');
    process.kill(pid, 'SIGSTOP');
    try {
      assert.equal((await infer(secret)).status, 200);
      assert.equal((await infer('flyball_wrong')).status, 401);
      const old = childPid(platform, 'gateway');
      process.kill(old, 'SIGKILL');
      const path = join(platform.dataDirectory, 'run', 'keys.json');
      await until('the next gateway to know the key from the disk', async () => {
        const answer = await infer(secret).catch(() => undefined);
        return answer?.status === 200 && childPid(platform, 'gateway') !== old ? true : undefined;
      });
      assert.equal((await infer('flyball_wrong')).status, 401);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      const table = readFileSync(path, 'utf8');
      assert.ok(!table.includes(secret) && table.includes('"name":"steady"'));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('no secret stands in a log, a status, an error, or anywhere on the disk but in admin.key', async () => {
    await infer(secrets[1]);
    await control('not-a-key-but-a-secret-1234', 'status');
    await until(
      'what was refused to be in the log',
      () => readFileSync(join(platform.dataDirectory, 'flyball.log'), 'utf8').includes('UNAUTHENTICATED') || undefined,
    );
    const seen: [string, string][] = [
      ['status', JSON.stringify(await platform.status())],
      ['operations', (await control(platform.adminKey(), 'operations')).body.toString()],
      ['keys', (await control(platform.adminKey(), 'keys')).body.toString()],
      ['metrics', (await ask(`${platform.metrics}/metrics`, { headers: bearer(platform.adminKey()) })).body.toString()],
      ['terminal', JSON.stringify(platform.output())],
    ];
    const files = readdirSync(platform.dataDirectory, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const entry of files) {
      if (entry.name === 'admin.key') continue;
      const path = join(entry.parentPath, entry.name);
      seen.push([path, readFileSync(path, 'latin1')]);
    }
    assert.ok(secrets.length > 5 && files.length > 5);
    for (const [where, text] of seen)
      for (const secret of [...secrets, 'not-a-key-but-a-secret-1234']) {
        const random = secret.split('_').slice(2).join('_');
        assert.ok(!text.includes(secret) && (random === '' || !text.includes(random)), `a secret stands in ${where}`);
      }
  });
});
