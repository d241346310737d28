/** Controls behind doors and gateways that go to them, over real TLS on this machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyTable } from '../auth/key-table.ts';
import { systemClock, type Clock } from '../clock.ts';
import { openDoor, type GatewayService } from '../control/door.ts';
import { openGatewayChannel } from '../control/gateway-channel.ts';
import { openControlLink } from '../gateway/control-link.ts';
import { createDispatcher } from '../gateway/dispatcher.ts';
import type { DoorNews } from '../gateway/door-news.ts';
import { openKeptTables, readLastTable, routingTableFile } from '../gateway/kept-tables.ts';
import type { RoutingTable } from '../gateway/routing-table.ts';
import { makeAuthority } from '../tls/authority.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import { identityOf } from '../tls/platform-authority.ts';
import { createFakeReplicas } from './fake-replicas.ts';

const authority = makeAuthority('doors', Date.now());

export const identityFor = (name: string, by = authority) => identityOf(by, name, 'peer', Date.now());

export const tableOf = (revision: number, epoch?: number): RoutingTable => ({
  revision,
  ...(epoch !== undefined && { epoch }),
  serverName: 'test',
  deployments: [],
});

export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'fb-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export async function openTestDoor(gateways?: GatewayService, port = 0, shows = 'control') {
  const artefacts = { path: async () => '', find: async () => undefined };
  const door = await openDoor({ identity: identityFor(shows), host: '127.0.0.1', port, artefacts });
  if (gateways !== undefined) door.serveGateways(gateways);
  return {
    url: `https://127.0.0.1:${door.port}`,
    port: door.port,
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  };
}

/** The channel of a control and its door. */
export async function startDoorControl(port = 0) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder());
  let connections = 0;
  const channel = stack.use(
    await openGatewayChannel({
      socketPath: join(folder.path, 'control.sock'),
      tablePath: join(folder.path, 'table.json'),
      keysPath: join(folder.path, 'keys.json'),
      onChange: () => {},
    }),
  );
  const door = stack.use(
    await openTestDoor(
      {
        take(socket, head) {
          connections += 1;
          channel.take(socket, head);
        },
        api: () => {},
      },
      port,
    ),
  );
  const resources = stack.move();
  return {
    channel,
    socketPath: join(folder.path, 'control.sock'),
    /** Through the door, so far. */
    connections: () => connections,
    url: door.url,
    port: door.port,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** A gateway's link, and what would serve by its tables; started again, it begins with what is on the disk. */
export function startDoorGateway(
  runDirectory: string,
  urls: readonly string[],
  {
    node = 'far',
    shows = identityFor('gateway'),
    onDoors = () => {},
    clock = systemClock,
  }: {
    readonly node?: string;
    readonly shows?: PeerIdentity;
    readonly onDoors?: (news: DoorNews) => void;
    readonly clock?: Clock;
  } = {},
) {
  const dispatcher = createDispatcher({
    clock: systemClock,
    connect: createFakeReplicas().connect,
    onWaiting: () => {},
    onDrained: () => {},
  });
  let keys: KeyTable = { revision: 0, keys: [] };
  const kept = openKeptTables(runDirectory, 0);
  const link = openControlLink({
    worker: 0,
    node,
    control: { kind: 'doors', urls, identity: shows },
    kept,
    dispatcher,
    clock,
    onDoors,
    keys: {
      get revision() {
        return keys.revision;
      },
      apply: (table) => void (keys = table),
    },
  });
  const last = readLastTable(join(runDirectory, routingTableFile));
  if (last !== undefined) dispatcher.apply(last);
  return {
    dispatcher,
    keys: () => keys,
    async [Symbol.asyncDispose]() {
      link.close();
      await kept.settled();
    },
  };
}
