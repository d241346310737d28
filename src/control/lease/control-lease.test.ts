/** Two controls on one PostgreSQL, as real processes: killed, stopped and let go on, cut off from their store. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { StatusView } from '../../api/schemas.ts';
import { specification } from '../../config/specification.ts';
import { openPostgresLeases } from '../../drivers/stores/postgres-leases.ts';
import { openPostgresStore } from '../../drivers/stores/postgres.ts';
import { modulePath } from '../../module-path.ts';
import { openLifeline } from '../../supervisor/lifeline.ts';
import { bindSocket } from '../../supervisor/listening-socket.ts';
import type { FromChild, ToChild } from '../../supervisor/messages.ts';
import { startCuttingProxy } from '../../testing/cutting-proxy.ts';
import { placeIn } from '../../testing/postgres-place.ts';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../testing/postgres-server.ts';
import { settingsIn } from '../../testing/process-settings.ts';
import { until } from '../../testing/until.ts';

const skip = withoutPostgres();
const leaseMs = 3000;
let server: PostgresServer;

before(async () => {
  if (skip === false) server = await startPostgres();
});
after(() => server?.[Symbol.asyncDispose]());

/** A node with its own data directory, on which control is started again and again. */
async function node(schema: string, url = server.url) {
  const directory = mkdtempSync(join(tmpdir(), 'fb-'));
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, server.password);
  const socket = bindSocket({ key: 'control', host: '127.0.0.1', port: 0, insecure: false, fallback: false });
  const api = `http://127.0.0.1:${socket.port}/api/v1`;
  const { store } = specification.parse({ store: { kind: 'postgres', url, schema, passwordFile, leaseMs } });
  const settings = settingsIn(directory, { listeners: { control: { url: api } }, logLevel: 'fatal', store });
  const lifeline = await openLifeline(settings.lifeline);
  const children: ChildProcess[] = [];
  return {
    api,
    start() {
      const child = fork(modulePath(import.meta.url, '../process'), [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      children.push(child);
      let words = '';
      child.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
      const waits: string[] = [];
      let isReady = false;
      child.on('message', (message: FromChild) => {
        if (message.kind === 'standby') waits.push(message.why);
        if (message.kind === 'ready') isReady = true;
      });
      const exit = once(child, 'exit') as Promise<[number | null]>;
      const first: ToChild = { kind: 'start', settings: { ...settings, startedAt: Date.now() } };
      const second: ToChild = { kind: 'listener', name: 'control' };
      child.send(first);
      child.send(second, socket.handle);
      return {
        child,
        exit,
        waits,
        isReady: () => isReady,
        words: () => words,
        ready: () =>
          until('control to be ready', async () => {
            assert.equal(child.exitCode, null, words);
            return isReady || undefined;
          }),
      };
    },
    async status(): Promise<StatusView> {
      return (await (await fetch(`${api}/status`)).json()) as StatusView;
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      socket.close();
      await lifeline[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const halt = (api: string, reason: string): Promise<Response> =>
  fetch(`${api}/governor/halt`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ by: 'ada', reason }),
  });

test(
  'of two controls one acts and the other waits, until the first is gone, stopped or cut off',
  { skip },
  async () => {
    await using proxy = await startCuttingProxy(server.port);
    await using one = await node('two_controls');
    await using two = await node('two_controls', server.url.replace(String(server.port), String(proxy.port)));

    const first = one.start();
    await first.ready();
    const second = two.start();
    const why = await until('the second to say that it waits', async () => second.waits[0]);
    assert.match(why, /fb-.*, up since .* holds the lease \(token 1\)/);
    await assert.rejects(fetch(`${two.api}/status`), 'who waits does not listen');
    const { store } = await one.status();
    assert.deepEqual([store?.kind, store?.token, store?.holder.includes('up since')], ['postgres', 1, true]);
    assert.ok(!JSON.stringify(store).includes(server.password));

    assert.equal((await halt(one.api, 'for the test')).status, 200);
    await fetch(`${one.api}/governor/halt?by=ada&reason=tried`, { method: 'DELETE' });
    const halted = async (): Promise<unknown> => (await one.status()).governor?.halt ?? null;
    assert.equal(await halted(), null);

    // Gone without a word.
    first.child.kill('SIGKILL');
    await second.ready();
    assert.equal((await two.status()).store?.token, 2);

    // Stopped for longer than its lease: another takes over, and what it is asked meanwhile does not happen.
    second.child.kill('SIGSTOP');
    const third = one.start();
    const asked = halt(two.api, 'of one that was stopped').then(
      ({ status }) => status,
      () => 'no answer',
    );
    await third.ready();
    assert.equal((await one.status()).store?.token, 3);
    second.child.kill('SIGCONT');
    assert.deepEqual(await second.exit, [1, null]);
    assert.match(second.words(), /this control steps down/);
    assert.notEqual(await asked, 200);
    assert.equal(await halted(), null, 'what the stopped one was asked has not happened');

    // Cut off from its store: it stops by its own clock before anybody else begins.
    third.child.kill('SIGTERM');
    await third.exit;
    const fourth = two.start();
    await fourth.ready();
    proxy.silence();
    const [code] = await fourth.exit;
    assert.equal(code, 1);
    assert.match(fourth.words(), /could not be renewed|taken over/);
  },
);

test('one that ends in order gives its lease up, and nobody has to wait for its time', { skip }, async () => {
  await using one = await node('in_order');
  const first = one.start();
  await first.ready();
  first.child.kill('SIGTERM');
  await first.exit;
  await using leases = await openPostgresLeases(placeIn(server, 'in_order'));
  assert.ok(((await leases.view('control'))?.leftMs ?? 1) <= 0);
});

test('a holder that is stopped and goes on is refused by the token alone', { skip }, async () => {
  const place = placeIn(server, 'stopped');
  const settings = { url: server.url, schema: 'stopped', password: server.password, ttlMs: 300 };
  const script = modulePath(import.meta.url, '../../testing/lease-holder-process');
  const child = fork(script, [JSON.stringify(settings)]);
  const heard: { kind: string; code?: string; kept?: number }[] = [];
  child.on('message', (message: { kind: string }) => heard.push(message));
  await until('it to hold the lease', async () => heard[0]);
  await using leases = await openPostgresLeases(place);
  await until('it to change something', async () => {
    await using store = await openPostgresStore(place);
    return (await store.revision()) > 3 || undefined;
  });
  child.kill('SIGSTOP');
  const taken = await until('the lease to run out', async () => {
    const answer = await leases.acquire('control', 'another', 60_000);
    return answer.kind === 'held' ? answer : undefined;
  });
  await using store = await openPostgresStore({ ...place, fence: { name: 'control', token: taken.token } });
  const before = await store.revision();
  child.kill('SIGCONT');
  await once(child, 'exit');
  const end = heard.at(-1);
  assert.equal(end?.code, 'LEASE_LOST');
  assert.equal(await store.revision(), before, 'nothing was changed after the lease was taken');
  assert.ok((end?.kept ?? 0) <= before, `${end?.kept} were said to be kept, and ${before} are`);
});
