import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { createFakeReplicas } from '../testing/fake-replicas.ts';
import { route, versionRoute } from '../testing/gateway-bench.ts';
import { until } from '../testing/until.ts';
import { openControlLink } from './control-link.ts';
import { createDispatcher } from './dispatcher.ts';
import { readLastTable } from './kept-tables.ts';
import type { GatewayMessage, RoutingTable } from './routing-table.ts';

const table = (revision: number, state: 'ready' | 'draining' = 'ready'): RoutingTable => ({
  revision,
  serverName: 'test',
  deployments: [
    {
      name: 'm',
      model: 'm',
      serving: '1',
      versions: [versionRoute({ replicas: [route('a', state)] })],
      queue: { lengthMax: 10, priorityLevels: 3, priorityDefault: 2 },
      deadline: { defaultMs: 1000, maxMs: 1000 },
    },
  ],
});

/** Control's end of the socket: sends a table to whoever comes, keeps what it hears. */
async function startControl(path: string, first: RoutingTable) {
  const heard: GatewayMessage[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    createInterface(socket).on('line', (line) => heard.push(JSON.parse(line) as GatewayMessage));
    socket.write(`${JSON.stringify({ kind: 'table', table: first })}\n`);
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  return {
    heard,
    send(text: string) {
      for (const socket of sockets) socket.write(text);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

function setUp() {
  const path = mkdtempSync(join(tmpdir(), 'fb-'));
  const replicas = createFakeReplicas();
  const dispatcher = createDispatcher({
    clock: systemClock,
    connect: replicas.connect,
    onWaiting: () => {},
    onDrained: () => link.observeSoon(),
  });
  const socketPath = join(path, 'control.sock');
  const link = openControlLink({
    worker: 3,
    control: { kind: 'unix', path: socketPath },
    dispatcher,
    clock: systemClock,
  });
  return {
    path,
    socketPath,
    dispatcher,
    [Symbol.dispose]() {
      link.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

const observed = (heard: readonly GatewayMessage[], revision: number) =>
  heard.find((message) => message.kind === 'observation' && message.revision === revision);

test('the gateway takes the table that control sends and confirms it with an observation', async () => {
  using gateway = setUp();
  await using control = await startControl(gateway.socketPath, table(1));
  await until('confirmed', () => observed(control.heard, 1));
  assert.deepEqual(control.heard[0], { kind: 'hello', worker: 3, pid: process.pid, revision: 0, keys: 0 });
  control.send(`${JSON.stringify({ kind: 'table', table: table(2, 'draining') })}\n`);
  const confirmation = await until('confirmed', () => observed(control.heard, 2));
  assert.deepEqual(confirmation.kind === 'observation' && confirmation.replicas, [
    { id: 'a', outstanding: 0, connected: true },
  ]);
});

test('while control is away the last table stands, and its successor finds the gateway within a second', async () => {
  using gateway = setUp();
  {
    await using control = await startControl(gateway.socketPath, table(1));
    await until('confirmed', () => observed(control.heard, 1));
  }
  assert.equal(gateway.dispatcher.table.revision, 1);
  assert.ok(gateway.dispatcher.deployment('m'));
  await using control = await startControl(gateway.socketPath, table(2));
  await until('confirmed', () => observed(control.heard, 2), 2000);
});

test('what is no table changes nothing, and the link starts anew', async () => {
  using gateway = setUp();
  await using control = await startControl(gateway.socketPath, table(1));
  await until('confirmed', () => observed(control.heard, 1));
  control.heard.length = 0;
  control.send('nonsense\n');
  await until('said hello again', () => control.heard.some((message) => message.kind === 'hello'));
  assert.equal(gateway.dispatcher.table.revision, 1);
});

test('the table that control left on disk is found, and a broken one is none', () => {
  using gateway = setUp();
  const path = join(gateway.path, 'routing-table.json');
  assert.equal(readLastTable(path), undefined);
  writeFileSync(path, '{"revision":');
  assert.equal(readLastTable(path), undefined);
  writeFileSync(path, JSON.stringify(table(7)));
  assert.equal(readLastTable(path)?.revision, 7);
});
