/** Event streams over a real server: what a browser's EventSource would get. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { openAuthenticator } from '../../auth/authenticator.ts';
import { makeKey } from '../../auth/key.ts';
import { systemClock, type Clock } from '../../clock.ts';
import type { ControlService } from '../../control/control-service.ts';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import { openJournal, type Journal } from '../../journal/open-journal.ts';
import { subscribe } from '../../telemetry/events.ts';
import { until } from '../../testing/until.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import type { StatusView } from '../schemas.ts';
import { startApi, type ApiServer } from '../server.ts';

const limits = { bodyBytesMax: 10_000, headerBytesMax: 16_384, connectionsMax: 1000 };
const listen = { kind: 'port', host: '127.0.0.1', port: 0 } as const;

interface World extends AsyncDisposable {
  readonly api: ApiServer;
  readonly journal: Journal;
  readonly auth: ReturnType<typeof openAuthenticator>;
  /** Calls of control for the status. */
  looks: number;
  load: number;
}

interface WorldOptions {
  readonly required?: boolean;
  /** Characters that each deployment adds to the status. */
  readonly padding?: number;
  readonly clock?: Clock;
}

async function world({ required = false, padding = 0, clock = systemClock }: WorldOptions = {}): Promise<World> {
  const stack = new AsyncDisposableStack();
  const store = stack.use(openSqliteStore(':memory:'));
  const journal = stack.use(openJournal(store, systemClock));
  const auth = openAuthenticator(systemClock);
  const state = { looks: 0, load: 0 };
  const control = {
    signInMemory: store,
    async status(isShown = () => true) {
      state.looks += 1;
      const names = ['a', 'b'].filter(isShown);
      const note = 'x'.repeat(padding);
      return { at: 1, deployments: names.map((name) => ({ name, load: state.load, note })) } as unknown as StatusView;
    },
    journal: (filter, waitMs, signal) => journal.read(filter, waitMs, signal),
  } as Partial<ControlService> as ControlService;
  const api = stack.use(
    await startApi({ control, version: '1.2.3', limits, listen, clock, ...(required && { auth }) }),
  );
  return Object.assign(state, { api, journal, auth, [Symbol.asyncDispose]: () => stack.disposeAsync() });
}

const note = (subject: string, action = 'scale') =>
  ({ kind: 'change', action, subject, by: 'ada', reason: 'asked for' }) as const;

interface Heard {
  readonly event: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
}

interface Watching extends Disposable {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly heard: readonly Heard[];
  text: string;
  ended: boolean;
}

function watch(api: ApiServer, query = '', headers: http.OutgoingHttpHeaders = {}): Promise<Watching> {
  return new Promise((resolve, reject) => {
    const path = `/api/v1/events${query}`;
    const request = http.request(
      { host: '127.0.0.1', port: api.address.port, path, headers, agent: false },
      (response) => {
        const heard: Heard[] = [];
        const watching: Watching = Object.assign(
          { status: response.statusCode ?? 0, headers: response.headers, heard, text: '', ended: false },
          { [Symbol.dispose]: () => void request.destroy() },
        );
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          watching.text += chunk;
          const frames = (rest + chunk).split('\n\n');
          rest = frames.pop() ?? '';
          for (const frame of frames) {
            const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
            const [event, id] = [field('event'), field('id')];
            if (event === undefined) continue;
            const data = JSON.parse(field('data') ?? '') as Record<string, unknown>;
            heard.push({ event, data, ...(id !== undefined && { id }) });
          }
        });
        response.on('error', () => (watching.ended = true));
        response.on('close', () => (watching.ended = true));
        resolve(watching);
      },
    );
    request.on('error', reject);
    request.end();
  });
}

const idsOf = ({ heard }: Watching): string[] =>
  heard.filter(({ event }) => event === 'journal').map(({ id }) => id ?? '');

test('a stream begins with hello and the status, then tells what is written as it is written', async () => {
  await using it = await world();
  it.journal.note(note('a'));
  await it.journal.flushed();
  using watching = await watch(it.api);
  assert.equal(watching.status, 200);
  assert.equal(watching.headers['content-type'], 'text/event-stream');
  assert.equal(watching.headers['cache-control'], 'no-store');
  assert.equal(watching.headers['x-accel-buffering'], 'no');
  assert.ok(watching.headers['x-request-id']);
  await until('it is so', () => watching.heard.length >= 2);
  const [hello, status] = watching.heard;
  assert.equal(hello?.event, 'hello');
  assert.partialDeepStrictEqual(hello?.data, { version: '1.2.3', api: 1, seq: 1 });
  assert.equal(status?.event, 'status');
  assert.match(watching.text, /^retry: 1000\n/);
  it.journal.note(note('b'));
  await until('it is so', () => idsOf(watching).length > 0);
  assert.deepEqual(idsOf(watching), ['2']);
  it.load = 7;
  await until('it is so', () => watching.heard.filter(({ event }) => event === 'status').length > 1);
});

test('who comes back by Last-Event-ID misses nothing, and it counts for more than the address', async () => {
  await using it = await world();
  for (let index = 0; index < 10; index += 1) it.journal.note(note('a', `step ${index}`));
  await it.journal.flushed();
  using back = await watch(it.api, '?topics=journal&since=2', { 'last-event-id': '7' });
  await until('it is so', () => idsOf(back).length === 3);
  assert.deepEqual(idsOf(back), ['8', '9', '10']);
  using strange = await watch(it.api, '?topics=journal', { 'last-event-id': 'x' });
  await until('it is so', () => strange.heard.some(({ event }) => event === 'resync'));
  assert.ok(!back.heard.some(({ event }) => event === 'status'));
});

test('fifty watchers cost one look at the status a second', async () => {
  await using it = await world();
  const watchers = await Promise.all(Array.from({ length: 50 }, () => watch(it.api)));
  await until('it is so', () => watchers.every(({ heard }) => heard.some(({ event }) => event === 'status')));
  const [before, began] = [it.looks, performance.now()];
  await until('it is so', () => it.looks >= before + 3);
  // The first looks came with the first watchers; from then on there is one timer for all.
  assert.ok(it.looks - before <= (performance.now() - began) / 1000 + 2);
  for (const each of watchers) each[Symbol.dispose]();
  await until('it is so', () => watchers.every(({ ended }) => ended));
});

test('a key for one deployment hears of that one alone, and its stream ends when the key is revoked', async () => {
  await using it = await world({ required: true });
  const [wide, narrow, infers] = [makeKey(), makeKey(), makeKey()];
  const keys = [
    { id: wide.id, hash: wide.hash, name: 'wide', scopes: ['read'] as const },
    { id: narrow.id, hash: narrow.hash, name: 'narrow', scopes: ['read'] as const, deployments: ['a'] },
    { id: infers.id, hash: infers.hash, name: 'infers', scopes: ['infer'] as const },
  ];
  it.auth.apply({ revision: 1, keys });
  const as = (key: { readonly secret: string }) => watch(it.api, '', { authorization: `Bearer ${key.secret}` });
  assert.equal((await watch(it.api)).status, 401);
  assert.equal((await as(infers)).status, 403);
  using all = await as(wide);
  using some = await as(narrow);
  it.journal.note(note('b'));
  it.journal.note(note('a'));
  it.journal.note(note('platform'));
  await until('it is so', () => idsOf(all).length === 3 && idsOf(some).length === 1);
  assert.deepEqual(idsOf(some), ['2']);
  const shown = ({ heard }: Watching): unknown => {
    const statuses = heard.filter(({ event }) => event === 'status');
    return [
      ...new Set(statuses.flatMap(({ data }) => (data['deployments'] as { name: string }[]).map(({ name }) => name))),
    ];
  };
  await until('it is so', () => [all, some].every(({ heard }) => heard.some(({ event }) => event === 'status')));
  assert.deepEqual([shown(all), shown(some)], [['a', 'b'], ['a']]);
  it.auth.apply({ revision: 2, keys: keys.filter(({ name }) => name !== 'narrow') });
  await until('it is so', () => some.ended);
  assert.equal(all.ended, false);
});

test('a client that does not read is dropped and counted, and what is held for it stays bounded', async () => {
  const clock = createVirtualClock();
  await using it = await world({ padding: 400_000, clock });
  const outcomes: string[] = [];
  const end = subscribe('flyball:stream', ({ outcome }) => void outcomes.push(outcome));
  const socket = net.connect(it.api.address.port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => {});
  socket.write('GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until('it is open', () => outcomes.includes('opened'));
  using reader = await watch(it.api);
  const before = process.memoryUsage().rss;
  // 0.8 MB a look: the kernel's own buffers take some of them.
  await until('it is dropped', async () => {
    const looks = it.looks;
    it.load += 1;
    clock.pass(1000);
    await until('the next look', () => it.looks > looks);
    return outcomes.includes('dropped');
  });
  assert.ok(process.memoryUsage().rss - before < 200_000_000);
  assert.equal(reader.ended, false);
  socket.destroy();
  end();
});

test('draining ends the streams', async () => {
  await using it = await world();
  using watching = await watch(it.api);
  await it.api.drain(5000);
  await until('it is so', () => watching.ended);
});

test('one stream too many is refused, and says when to come back', async () => {
  await using it = await world();
  const watchers = await Promise.all(Array.from({ length: 256 }, () => watch(it.api, '?topics=journal')));
  const refused = await watch(it.api);
  assert.equal(refused.status, 503);
  await until('it is so', () => refused.text.includes('TOO_MANY_STREAMS'));
  assert.equal(refused.headers['retry-after'], '5');
  for (const each of watchers) each[Symbol.dispose]();
  await until('there is room again', async () => {
    using again = await watch(it.api);
    return again.status === 200;
  });
});
