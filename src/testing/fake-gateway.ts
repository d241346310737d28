/** A gateway as control sees one: it takes tables and confirms each with an observation, or holds its tongue. */
import net from 'node:net';
import { makeLineReader } from '../control/line-reader.ts';
import type { ControlMessage, GatewayMessage, RoutingTable, VersionObservation } from '../gateway/routing-table.ts';

export interface FakeGateway extends Disposable {
  table(): RoutingTable | undefined;
  /** Every table that came. */
  readonly tables: readonly RoutingTable[];
  /** Requests that it says to have in flight on each replica; 0 otherwise. */
  readonly outstanding: Map<string, number>;
  /** By deployment, what it says of the version that serves; nothing of others. */
  readonly demand: Map<string, Partial<VersionObservation>>;
  /** Whether it confirms a table when it comes, as it does at first; otherwise `observe` does. */
  confirms: boolean;
  /** Says again what it has. */
  observe(): void;
}

export async function connectGateway(socketPath: string): Promise<FakeGateway> {
  const socket = net.connect(socketPath);
  const tables: RoutingTable[] = [];
  const outstanding = new Map<string, number>();
  const demand = new Map<string, Partial<VersionObservation>>();
  const send = (message: GatewayMessage): void => void socket.write(`${JSON.stringify(message)}\n`);
  const observe = (): void => {
    const table = tables.at(-1);
    if (table === undefined) return;
    const all = table.deployments.flatMap((deployment) => deployment.versions.flatMap((version) => version.replicas));
    const replicas = all.map(({ id }) => ({ id, outstanding: outstanding.get(id) ?? 0, connected: true }));
    const versions = table.deployments.flatMap(({ name, serving }): readonly VersionObservation[] => {
      const said = demand.get(name);
      if (said === undefined || serving === undefined) return [];
      const none = { arrivals: 0, completed: 0, failed: 0, shed: {}, queueLength: 0, inFlight: 0, batchSizeCap: 1 };
      return [{ ...none, deployment: name, version: serving, ...said }];
    });
    send({ kind: 'observation', worker: 0, at: Date.now(), revision: table.revision, versions, replicas });
  };
  const gateway: FakeGateway = {
    table: () => tables.at(-1),
    tables,
    outstanding,
    demand,
    confirms: true,
    observe,
    [Symbol.dispose]: () => socket.destroy(),
  };
  const read = makeLineReader(1_048_576, (message) => {
    const told = message as ControlMessage;
    if (told.kind !== 'table') return;
    tables.push(told.table);
    if (gateway.confirms) observe();
  });
  socket.on('data', read);
  socket.on('error', () => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  send({ kind: 'hello', worker: 0, pid: 1, revision: 0, keys: 0 });
  return gateway;
}
