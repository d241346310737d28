import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { openDoor } from '../control/door.ts';
import { createFakeReplicas } from '../testing/fake-replicas.ts';
import { freePorts } from '../testing/free-ports.ts';
import { route, versionRoute } from '../testing/gateway-bench.ts';
import { until } from '../testing/until.ts';
import { makeAuthority } from '../tls/authority.ts';
import { identityOf } from '../tls/platform-authority.ts';
import type { ControlAddress } from './control-dial.ts';
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

interface Transport {
  readonly name: 'unix' | 'door';
  readonly address: ControlAddress;
  /** Lets control in; what it gives shuts it again. */
  listen(take: (socket: net.Socket) => void): Promise<() => PromiseLike<void>>;
}

const authority = makeAuthority('test', Date.now());
const identity = (name: string) => identityOf(authority, name, 'peer', Date.now());

async function transportOf(name: 'unix' | 'door', folder: string): Promise<Transport> {
  if (name === 'unix') {
    const path = join(folder, 'control.sock');
    return {
      name,
      address: { kind: 'unix', path },
      async listen(take) {
        const server = net.createServer(take);
        rmSync(path, { force: true });
        await new Promise<void>((resolve) => void server.listen(path, resolve));
        return () => new Promise<void>((resolve) => void server.close(() => resolve()));
      },
    };
  }
  const port = await freePorts(1);
  return {
    name,
    address: { kind: 'doors', urls: [`https://127.0.0.1:${port}`], identity: identity('gateway') },
    async listen(take) {
      const artefacts = { path: async () => '', find: async () => undefined };
      const door = await openDoor({ identity: identity('control'), host: '127.0.0.1', port, artefacts });
      door.serveGateways({ take, api: () => {} });
      return () => door[Symbol.asyncDispose]();
    },
  };
}

/** Control's end of the socket: sends a table to whoever comes, keeps what it hears. */
async function startControl(transport: Transport, first: RoutingTable) {
  const heard: GatewayMessage[] = [];
  const sockets = new Set<net.Socket>();
  const shut = await transport.listen((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    createInterface(socket).on('line', (line) => heard.push(JSON.parse(line) as GatewayMessage));
    socket.write(`${JSON.stringify({ kind: 'table', table: first })}\n`);
  });
  return {
    heard,
    send(text: string) {
      for (const socket of sockets) socket.write(text);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await shut();
    },
  };
}

async function setUp(over: 'unix' | 'door') {
  const path = mkdtempSync(join(tmpdir(), 'fb-'));
  const transport = await transportOf(over, path);
  const replicas = createFakeReplicas();
  const dispatcher = createDispatcher({
    clock: systemClock,
    connect: replicas.connect,
    onWaiting: () => {},
    onDrained: () => link.observeSoon(),
  });
  const link = openControlLink({
    worker: 3,
    control: transport.address,
    node: 'far',
    dispatcher,
    clock: systemClock,
  });
  return {
    path,
    transport,
    dispatcher,
    [Symbol.dispose]() {
      link.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

const observed = (heard: readonly GatewayMessage[], revision: number) =>
  heard.find((message) => message.kind === 'observation' && message.revision === revision);

for (const over of ['unix', 'door'] as const) {
  test(`the gateway takes the table that control sends and confirms it with an observation (${over})`, async () => {
    using gateway = await setUp(over);
    await using control = await startControl(gateway.transport, table(1));
    await until('confirmed', () => observed(control.heard, 1));
    const { instance, ...hello } = control.heard[0] as Extract<GatewayMessage, { kind: 'hello' }>;
    const node = over === 'door' && { node: 'far' };
    assert.deepEqual(hello, { kind: 'hello', worker: 3, ...node, pid: process.pid, revision: 0, keys: 0 });
    assert.equal(instance !== undefined, over === 'door');
    control.send(`${JSON.stringify({ kind: 'table', table: table(2, 'draining') })}\n`);
    const confirmation = await until('confirmed', () => observed(control.heard, 2));
    assert.deepEqual(confirmation.kind === 'observation' && confirmation.replicas, [
      { id: 'a', outstanding: 0, connected: true },
    ]);
  });

  test(`while control is away the last table stands, and its successor finds the gateway within a second (${over})`, async () => {
    using gateway = await setUp(over);
    {
      await using control = await startControl(gateway.transport, table(1));
      await until('confirmed', () => observed(control.heard, 1));
    }
    assert.equal(gateway.dispatcher.table.revision, 1);
    assert.ok(gateway.dispatcher.deployment('m'));
    await using control = await startControl(gateway.transport, table(2));
    await until('confirmed', () => observed(control.heard, 2), 2000);
  });

  test(`what is no table changes nothing, and the link starts anew (${over})`, async () => {
    using gateway = await setUp(over);
    await using control = await startControl(gateway.transport, table(1));
    await until('confirmed', () => observed(control.heard, 1));
    control.heard.length = 0;
    control.send('nonsense\n');
    await until('said hello again', () => control.heard.some((message) => message.kind === 'hello'));
    assert.equal(gateway.dispatcher.table.revision, 1);
  });
}

test('the table that control left on disk is found, and a broken one is none', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'fb-')), 'routing-table.json');
  assert.equal(readLastTable(path), undefined);
  writeFileSync(path, '{"revision":');
  assert.equal(readLastTable(path), undefined);
  writeFileSync(path, JSON.stringify(table(7)));
  assert.equal(readLastTable(path)?.revision, 7);
});
