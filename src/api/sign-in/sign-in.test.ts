/** Signing in as a browser does it, and what other people's pages cannot do with the cookie. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { openAuthenticator } from '../../auth/authenticator.ts';
import { makeKey } from '../../auth/key.ts';
import { lifetimeMs } from '../../auth/sign-ins.ts';
import type { ControlService } from '../../control/control-service.ts';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import { subscribe } from '../../telemetry/events.ts';
import { until } from '../../testing/until.ts';
import { createVirtualClock, type VirtualClock } from '../../testing/virtual-clock.ts';
import type { StatusView } from '../schemas.ts';
import { startApi, type ApiServer } from '../server.ts';
import { signInIdIn } from './cookie.ts';

const limits = { bodyBytesMax: 10_000, headerBytesMax: 16_384, connectionsMax: 100 };

interface World extends AsyncDisposable {
  readonly api: ApiServer;
  readonly clock: VirtualClock;
  readonly ada: string;
  readonly revoke: () => void;
  readonly done: readonly string[];
}

async function world(required = true): Promise<World> {
  const clock = createVirtualClock();
  const auth = openAuthenticator(clock);
  const [ada, bob] = [makeKey(), makeKey()];
  const bobs = { id: bob.id, hash: bob.hash, name: 'bob', scopes: ['admin'] as const };
  const deployments = ['a'];
  const adas = { id: ada.id, hash: ada.hash, name: 'ada', scopes: ['operate', 'infer'] as const, deployments };
  auth.apply({ revision: 1, keys: [adas, bobs] });
  const done: string[] = [];
  const store = openSqliteStore(':memory:');
  for (const key of [adas, bobs]) await store.addKey({ ...key, createdAt: 1, createdBy: 'ada' });
  const control: Partial<ControlService> = {
    signInMemory: store,
    status: async () => ({ deployments: [] }) as unknown as StatusView,
    journal: async (_filter, waitMs, signal) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      signal.addEventListener('abort', resolve);
      if (waitMs > 0) await promise;
      return [];
    },
    governor: async () => ({ approvals: [] }),
    async halt({ by }, name) {
      done.push(`halt ${name} ${by}`);
      return { approvals: [] };
    },
  };
  const api = await startApi({
    control: control as ControlService,
    version: '1.2.3',
    limits,
    clock,
    listen: { kind: 'port', host: '127.0.0.1', port: 0 },
    ...(required && { auth }),
  });
  const revoke = (): void => auth.apply({ revision: 2, keys: [bobs] });
  return { api, clock, ada: ada.secret, revoke, done, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** node:http: fetch would choose Origin, Host and Sec-Fetch-Site by itself. */
function ask(
  { api }: World,
  method: string,
  path: string,
  headers: http.OutgoingHttpHeaders = {},
  body?: unknown,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = api.address;
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { host: '127.0.0.1', port, method, path: `/api/v1${path}`, headers: { ...type, ...headers } };
    const request = http.request({ ...options, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const parsed = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed });
      });
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const ownPage = { 'sec-fetch-site': 'same-origin' };

async function signIn(it: World, headers: http.OutgoingHttpHeaders = ownPage): Promise<string> {
  const { status, headers: answered } = await ask(it, 'POST', '/sign-in', headers, { key: it.ada });
  assert.equal(status, 200);
  return (answered['set-cookie']?.[0] ?? '').split(';', 1)[0] ?? '';
}

test('a key is shown once; from then on a cookie that no script reads and no other site sends stands for it', async () => {
  await using it = await world();
  const { status, headers, body } = await ask(it, 'POST', '/sign-in', ownPage, { key: it.ada });
  assert.equal(status, 200);
  const view = { auth: 'required', name: 'ada', scopes: ['operate', 'infer'], deployments: ['a'], version: '1.2.3' };
  assert.deepEqual(body, { ...view, signedInUntil: it.clock.wall() + lifetimeMs });
  assert.equal(headers['cache-control'], 'no-store');
  const [set = ''] = headers['set-cookie'] ?? [];
  assert.match(set, /^flyball=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.ok(!JSON.stringify([headers, body]).includes(it.ada), 'the key is not repeated');
  const cookie = set.split(';', 1)[0];
  assert.deepEqual((await ask(it, 'GET', '/caller', { cookie })).body, body);
  assert.deepEqual((await ask(it, 'GET', '/caller', { authorization: `Bearer ${it.ada}` })).body, view);
  assert.equal((await ask(it, 'GET', '/caller')).status, 401);
  assert.equal((await ask(it, 'PUT', '/deployments/a/halt', { cookie, ...ownPage }, { by: 'eve' })).status, 200);
  assert.deepEqual(it.done, ['halt a ada']);
  // The role and the deployments are the key's.
  assert.equal((await ask(it, 'PUT', '/deployments/b/halt', { cookie, ...ownPage }, {})).status, 403);
  assert.equal((await ask(it, 'POST', '/shutdown', { cookie, ...ownPage }, {})).status, 403);
});

test('no page of another site acts with the cookie, and nothing acts with it that does not say where it comes from', async () => {
  await using it = await world();
  const cookie = await signIn(it);
  const host = `127.0.0.1:${it.api.address.port}`;
  const strangers: http.OutgoingHttpHeaders[] = [
    {},
    { 'sec-fetch-site': 'cross-site', origin: 'https://attacker.example' },
    { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://attacker.example' },
    { origin: 'null' },
    { origin: `http://${host}.attacker.example` },
  ];
  for (const headers of strangers) {
    const { status, body } = await ask(it, 'PUT', '/deployments/a/halt', { cookie, ...headers }, {});
    assert.deepEqual([status, body['code']], [403, 'FORBIDDEN'], JSON.stringify(headers));
  }
  assert.deepEqual(it.done, []);
  // A browser without Sec-Fetch-Site says Origin.
  assert.equal((await ask(it, 'PUT', '/deployments/a/halt', { cookie, origin: `http://${host}` }, {})).status, 200);
});

test('an id that was there before is never adopted, and signing in again ends it', async () => {
  await using it = await world();
  const planted = `flyball=${'A'.repeat(43)}`;
  const cookie = await signIn(it, { ...ownPage, cookie: planted });
  assert.notEqual(cookie, planted);
  assert.equal((await ask(it, 'GET', '/caller', { cookie: planted })).status, 401);
  const next = await signIn(it, { ...ownPage, cookie });
  assert.equal((await ask(it, 'GET', '/caller', { cookie })).status, 401);
  assert.equal((await ask(it, 'GET', '/caller', { cookie: next })).status, 200);
  // Of two cookies of that name one was put there by somebody else.
  assert.equal((await ask(it, 'GET', '/caller', { cookie: `${planted}; ${next}` })).status, 401);
  assert.equal(signInIdIn(`other=1; ${next}; xflyball=2`), next.slice('flyball='.length));
});

test('signing out, the end of its time and the end of its key end it; open streams end with it', async () => {
  await using it = await world();
  const first = await signIn(it);
  const streamed = new Promise<void>((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: it.api.address.port,
      path: '/api/v1/events',
      headers: { cookie: first },
    };
    http.get({ ...options, agent: false }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
  const out = await ask(it, 'POST', '/sign-out', { cookie: first, ...ownPage });
  assert.equal(out.status, 204);
  assert.match(out.headers['set-cookie']?.[0] ?? '', /^flyball=; Max-Age=0; /);
  assert.equal((await ask(it, 'GET', '/caller', { cookie: first })).status, 401);
  let ended = false;
  void streamed.then(() => (ended = true));
  await until('the stream ends', () => {
    it.clock.pass(1000);
    return ended;
  });
  const second = await signIn(it);
  it.clock.pass(lifetimeMs);
  assert.equal((await ask(it, 'GET', '/caller', { cookie: second })).status, 401);
  const third = await signIn(it);
  assert.equal((await ask(it, 'GET', '/caller', { cookie: third })).status, 200);
  it.revoke();
  assert.equal((await ask(it, 'GET', '/caller', { cookie: third })).status, 401);
  assert.equal((await ask(it, 'POST', '/sign-in', ownPage, { key: it.ada })).status, 401);
});

test('who fails too often is told when to come again; whoever has a key gets in all the same', async () => {
  await using it = await world();
  const fail = () => ask(it, 'POST', '/sign-in', ownPage, { key: 'flyball_000000000000_nothing' });
  for (let index = 0; index < 10; index += 1) assert.equal((await fail()).status, 401);
  const { status, headers, body } = await fail();
  assert.deepEqual([status, headers['retry-after'], body['code']], [429, '5', 'RATE_LIMITED']);
  await signIn(it);
});

test('what is longer than any key is not read, and whatever comes with a sign-in of another site is refused', async () => {
  await using it = await world();
  const long = await ask(it, 'POST', '/sign-in', ownPage, { key: 'x'.repeat(2000) });
  assert.deepEqual([long.status, long.body['code']], [413, 'TOO_LARGE']);
  assert.match(String(long.body['detail']), /at most 1024 bytes/);
  const stranger = { 'sec-fetch-site': 'cross-site', origin: 'https://attacker.example' };
  assert.equal((await ask(it, 'POST', '/sign-in', stranger, { key: it.ada })).status, 403);
});

test('each sign-in and sign-out is told of, in the name of the key and without it', async () => {
  await using it = await world();
  const told: string[] = [];
  const end = subscribe('flyball:control', (event) => void told.push(JSON.stringify(event)));
  const cookie = await signIn(it);
  await ask(it, 'POST', '/sign-out', { cookie, ...ownPage });
  end();
  assert.equal(told.length, 2);
  assert.match(told[0] ?? '', /"action":"sign in","subject":"key [0-9a-f]{12}","by":"ada"/);
  assert.match(told[1] ?? '', /"action":"sign out"/);
  for (const each of told) assert.ok(!each.includes(it.ada) && !each.includes(cookie.slice(8)), each);
});

test('where nobody needs a key everybody is let in, and no cookie is set', async () => {
  await using it = await world(false);
  const everybody = { auth: 'none', scopes: ['infer', 'read', 'operate', 'admin'], version: '1.2.3' };
  assert.deepEqual((await ask(it, 'GET', '/caller')).body, everybody);
  const { headers, body } = await ask(it, 'POST', '/sign-in', ownPage, { key: 'x' });
  assert.deepEqual([headers['set-cookie'], body], [undefined, everybody]);
  assert.equal((await ask(it, 'POST', '/sign-out', ownPage)).status, 204);
});
