import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { modulePath } from '../module-path.ts';
import type { FromChild, ToChild } from '../supervisor/messages.ts';
import { startAddingRunner } from '../testing/adding-runner.ts';
import { identityFor, startDoorControl, tableOf } from '../testing/control-doors.ts';
import { settingsIn } from '../testing/process-settings.ts';
import { until } from '../testing/until.ts';
import { makeAuthority } from '../tls/authority.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import { readLastTable } from './kept-tables.ts';
import type { RoutingTable } from './routing-table.ts';
import { versionRoute } from '../testing/gateway-bench.ts';

const elsewhere = (urls: readonly string[], identity = identityFor('gateway')) => ({
  doors: urls,
  node: 'far',
  identity,
});

/** A worker as the supervisor starts it, with a table on disk, two runners and no control. */
async function startWorker(doors?: readonly string[], shows?: PeerIdentity) {
  // What does not come up in time leaves nothing either.
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'fb-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const runners = [
    stack.use(await startAddingRunner('a', join(directory, 'a.sock'))),
    stack.use(await startAddingRunner('b', join(directory, 'b.sock'))),
  ] as const;
  const table: RoutingTable = {
    revision: 1,
    serverName: 'test',
    deployments: [
      {
        name: 'm',
        model: 'm',
        serving: '1',
        versions: [
          versionRoute({
            replicas: ['a', 'b'].map((id) => ({
              id,
              address: { kind: 'unix', path: join(directory, `${id}.sock`) },
              state: 'ready',
            })),
          }),
        ],
        queue: { lengthMax: 10, priorityLevels: 3, priorityDefault: 2 },
        deadline: { defaultMs: 5000, maxMs: 5000 },
      },
    ],
  };
  writeFileSync(join(directory, 'routing-table.json'), JSON.stringify(table));
  const child: ChildProcess = fork(modulePath(import.meta.url, './process'), [], { stdio: 'inherit' });
  stack.defer(() => void child.kill('SIGKILL'));
  const heard: FromChild[] = [];
  child.on('message', (message: FromChild) => heard.push(message));
  const tell = (message: ToChild, handle?: net.Server): void => void child.send(message, handle);
  tell({ kind: 'start', settings: settingsIn(directory, doors && elsewhere(doors, shows)) });
  const held: net.Server[] = [];
  const listen = async (name: 'http' | 'grpc'): Promise<number> => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(() => void server.close());
    const { port } = server.address() as AddressInfo;
    child.send({ kind: 'listener', name } satisfies ToChild, server);
    held.push(server);
    return port;
  };
  const port = await listen('http');
  await listen('grpc');
  await until('ready', () => heard.some((message) => message.kind === 'ready'));
  // The child has its own copies of the sockets now; connections must be for it alone.
  for (const server of held) server.close();
  const resources = stack.move();
  return { port, child, tell, heard, runners, directory, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function infer(port: number, agent?: http.Agent): Promise<{ status?: number; close: boolean; data: number[] }> {
  const request = http.request({ port, host: '127.0.0.1', method: 'POST', path: '/v2/models/m/infer', agent });
  request.end(JSON.stringify({ inputs: [{ name: 'x', datatype: 'UINT8', shape: [1, 2], data: [1, 2] }] }));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as { outputs?: { data: number[] }[] };
  return {
    status: response.statusCode,
    close: response.headers.connection === 'close',
    data: body.outputs?.[0]?.data ?? [],
  };
}

test('a worker serves from the table on disk, tells its metrics, and ends without failing what is in flight', async () => {
  await using worker = await startWorker();
  const { port, runners, tell, heard, child } = worker;
  assert.deepEqual(
    await until('answered', async () => {
      const answer = await infer(port);
      return answer.status === 200 && answer.data;
    }),
    [2, 3],
  );

  tell({ kind: 'metrics', ask: 7 });
  const metrics = await until('metrics', () => heard.find((message) => message.kind === 'metrics'));
  assert.ok(metrics.kind === 'metrics' && metrics.ask === 7);
  assert.ok(metrics.families.some((family) => family.name === 'flyball_queue_length'));

  const agent = new http.Agent({ keepAlive: true });
  await infer(port, agent);
  for (const runner of runners) runner.answering = false;
  const before = runners[0].calls + runners[1].calls;
  const inFlight = infer(port, agent);
  await until('in flight', () => runners[0].calls + runners[1].calls > before);
  tell({ kind: 'drain', deadlineMs: 5000 });
  for (const runner of runners) runner.answering = true;
  const exited = once(child, 'exit');
  const last = await inFlight;
  assert.deepEqual([last.status, last.data], [200, [2, 3]]);
  assert.deepEqual(await exited, [0, null]);
  agent.destroy();
});

test('a replica that vanishes with a request in flight costs the caller nothing but time', async () => {
  await using worker = await startWorker();
  const { port, runners } = worker;
  await until('both replicas are used', async () => {
    await infer(port);
    return runners.every((runner) => runner.calls > 0);
  });
  for (const runner of runners) runner.answering = false;
  const [a, b] = runners;
  const before = [a.calls, b.calls] as const;
  const answer = infer(port);
  const first = await until('in flight', () =>
    a.calls > before[0] ? ([a, b] as const) : b.calls > before[1] ? ([b, a] as const) : undefined,
  );
  first[1].answering = true;
  first[0].vanish();
  assert.deepEqual(await answer, { status: 200, close: false, data: [2, 3] });
});

test('without control nothing can be managed, which is said at once with Retry-After, and inference goes on', async () => {
  await using worker = await startWorker();
  const { port } = worker;
  await until('answered', async () => (await infer(port)).status === 200);
  const answer = await fetch(`http://127.0.0.1:${port}/v2/repository/models/m/unload`, { method: 'POST' });
  assert.equal(answer.status, 503);
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
  assert.equal(((await answer.json()) as { code: string }).code, 'CONTROL_UNAVAILABLE');
  assert.equal((await infer(port)).status, 200);
});

test('a worker whose control is on another machine goes through its door and keeps the tables here', async () => {
  await using control = await startDoorControl();
  await control.channel.publish(tableOf(5));
  await using worker = await startWorker([control.url]);
  const [known] = await until('it is known', () => {
    const gateways = control.channel.gateways();
    return gateways.some(({ revision }) => revision === 5) ? gateways : undefined;
  });
  assert.deepEqual([known?.node, known?.worker, known?.pid], ['far', 0, worker.child.pid]);
  await until('kept', () => readLastTable(join(worker.directory, 'routing-table.json'))?.revision === 5);
});

test('another identity is shown to doors from the moment at which it is given', async () => {
  await using control = await startDoorControl();
  await control.channel.publish(tableOf(5));
  const strange = makeAuthority('strange', Date.now());
  // It trusts the authority of that door, and is not taken there itself.
  const shows = { ...identityFor('gateway', strange), authority: identityFor('gateway').authority };
  await using worker = await startWorker([control.url], shows);
  const news = await until('it to be turned away', () => worker.heard.find((message) => message.kind === 'doors'));
  assert.ok(news.kind === 'doors' && news.news.kind === 'none');
  assert.match(news.news.why, /perhaps it does not take this gateway's certificate/);
  assert.equal(control.connections(), 0);
  worker.tell({ kind: 'identity', identity: identityFor('gateway') });
  await until('it to be known', () => control.channel.gateways().some(({ revision }) => revision === 5));
});
