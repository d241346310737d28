/**
 * A gateway without sockets or real time: service, dispatcher and fake replicas on a virtual clock, with one deployment
 * `m` of rows of two bytes. It keeps how each request ended, in order.
 */
import type { FlyballError } from '../errors.ts';
import { createDispatcher, type Dispatcher } from '../gateway/dispatcher.ts';
import type { DeploymentRoute, ReplicaRoute, RoutingTable, VersionRoute } from '../gateway/routing-table.ts';
import { createGatewayService, type GatewayService } from '../gateway/service.ts';
import type { InferenceRequest, InferenceResponse } from '../protocol/inference.ts';
import { createFakeReplicas, type FakeReplicas } from './fake-replicas.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export interface GatewayBench {
  readonly clock: VirtualClock;
  readonly replicas: FakeReplicas;
  readonly dispatcher: Dispatcher;
  readonly service: GatewayService;
  /** How each request ended, in order: `name ok [outputs]` or `name CODE`. */
  readonly ends: string[];
  readonly errors: Map<string, FlyballError>;
  drained: number;
  /** How often control was told that somebody waits. */
  waiting: number;
  send(name: string, fields?: Partial<InferenceRequest>, first?: number, rows?: number): AbortController;
  /** Lets the answers of what was settled arrive. */
  settle(): Promise<void>;
  apply(change: Partial<DeploymentRoute>, versions?: readonly VersionRoute[]): void;
}

export const route = (id: string, state: 'ready' | 'draining' = 'ready'): ReplicaRoute => ({
  id,
  address: { kind: 'unix', path: `/run/${id}` },
  state,
});

export const versionRoute = (fields: Partial<VersionRoute> = {}): VersionRoute => ({
  version: '1',
  digest: 'sha256:1',
  platform: 'simulated',
  signature: {
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 2] }],
    outputs: [{ name: 'y', datatype: 'UINT8', shape: [-1, 2] }],
    batchable: true,
  },
  takesFiles: true,
  batching: { sizeMax: 8, delayMs: 0 },
  costCurve: [],
  replicas: [route('a')],
  labels: {},
  ...fields,
});

export function createGatewayBench(
  version: Partial<VersionRoute> = {},
  deployment: Partial<DeploymentRoute> = {},
): GatewayBench {
  const clock = createVirtualClock();
  const replicas = createFakeReplicas();
  const dispatcher = createDispatcher({
    clock,
    connect: replicas.connect,
    onDrained: () => (self.drained += 1),
    onWaiting: () => (self.waiting += 1),
  });
  const service = createGatewayService({ dispatcher, clock, version: '0', limits: { tensorElementsMax: 1000 } });
  let table: RoutingTable = {
    revision: 1,
    serverName: 'test',
    deployments: [
      {
        name: 'm',
        model: 'm',
        serving: '1',
        versions: [versionRoute(version)],
        queue: { lengthMax: 100, priorityLevels: 3, priorityDefault: 2 },
        deadline: { defaultMs: 1000, maxMs: 10_000 },
        ...deployment,
      },
    ],
  };
  dispatcher.apply(table);
  const self: GatewayBench = {
    clock,
    replicas,
    dispatcher,
    service,
    ends: [],
    errors: new Map(),
    drained: 0,
    waiting: 0,
    send(name, fields = {}, first = 1, rows = 1) {
      const hangUp = new AbortController();
      const bytes = new Uint8Array(rows * 2).fill(7);
      bytes[0] = first;
      const inputs = [{ name: 'x', datatype: 'UINT8', shape: [rows, 2], bytes }] as const;
      service
        .infer({ model: 'm', requestId: name, payload: { kind: 'tensors', inputs }, ...fields }, hangUp.signal)
        .then(
          (response: InferenceResponse) =>
            self.ends.push(`${name} ok [${(response.outputs[0]?.bytes ?? []).join(',')}]`),
          (error: FlyballError) => {
            self.errors.set(name, error);
            self.ends.push(`${name} ${error.code}`);
          },
        );
      return hangUp;
    },
    settle: () => new Promise((resolve) => void setImmediate(resolve)),
    apply(change, versions) {
      const [current] = table.deployments as [DeploymentRoute];
      const next = { ...current, ...change, versions: versions ?? current.versions };
      table = { ...table, revision: table.revision + 1, deployments: [next] };
      dispatcher.apply(table);
    },
  };
  return self;
}
