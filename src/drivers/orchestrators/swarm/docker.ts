/**
 * The engine's API by dockerode: shapes in and out, retries and words for its failures. Nothing is decided here.
 */
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import type { ClusterMember, Room } from '../../../core/placement/node.ts';
import { FlyballError } from '../../../errors.ts';
import type {
  KeptFile,
  NewFile,
  PlacedTask,
  ServiceSpec,
  SwarmEngine,
  SwarmService,
  SwarmTask,
  TaskState,
} from './engine.ts';

/** A Unix socket, or an address with certificates, of a manager. */
export type EngineAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
    };

interface ApiTask {
  readonly ID: string;
  readonly ServiceID: string;
  readonly Slot?: number;
  readonly NodeID?: string;
  readonly DesiredState: TaskState;
  readonly Spec?: {
    readonly ContainerSpec?: { readonly Labels?: Record<string, string> };
    readonly Resources?: { readonly Reservations?: ApiResources };
  };
  readonly Status: {
    readonly State: TaskState;
    readonly Message?: string;
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ExitCode?: number };
    readonly PortStatus?: {
      readonly Ports?: readonly { readonly TargetPort: number; readonly PublishedPort: number }[];
    };
  };
}

interface ApiResources {
  readonly NanoCPUs?: number;
  readonly MemoryBytes?: number;
  readonly GenericResources?: readonly {
    readonly DiscreteResourceSpec?: { readonly Kind: string; readonly Value: number };
    readonly NamedResourceSpec?: { readonly Kind: string; readonly Value: string };
  }[];
}

interface ApiNode {
  readonly ID: string;
  readonly Spec: { readonly Labels?: Record<string, string>; readonly Availability: ClusterMember['availability'] };
  readonly Description: {
    readonly Hostname: string;
    readonly Resources: ApiResources;
  };
  readonly Status: { readonly State: ClusterMember['state']; readonly Addr?: string };
  readonly ManagerStatus?: { readonly Addr: string };
}

interface ApiNamed {
  readonly ID: string;
  readonly Spec: { readonly Name: string; readonly Labels?: Record<string, string> };
}

const askMsMax = 10_000;
const reconnectMs = 1000;
const nanosPerCore = 1e9;
const nameTaken = 409;
const notFound = 404;

export function openDocker(address: EngineAddress): SwarmEngine {
  const to: Docker.DockerOptions =
    address.kind === 'unix'
      ? { socketPath: address.path }
      : {
          host: address.host,
          port: address.port,
          ...(address.tls === undefined ? {} : { protocol: 'https', ...address.tls }),
        };
  const docker = new Docker({ ...to, timeout: askMsMax });
  // No time limit: it is silent for as long as nothing changes.
  const stream = new Docker(to);
  const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
  const listeners: (() => void)[] = [];
  let closed = false;
  let events: Readable | undefined;
  let cancelRetry = (): void => {};

  /** `expected`: answers that are no failure. */
  async function ask<T>(call: () => Promise<T>, expected: readonly number[] = []): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      const { statusCode, message } = error as { readonly statusCode?: number; readonly message: string };
      if (statusCode !== undefined && expected.includes(statusCode)) return undefined;
      if (statusCode === undefined || statusCode >= 500) {
        throw new FlyballError('ENGINE_UNREACHABLE', `the Docker engine at ${where}: ${message}`, { cause: error });
      }
      // What the client and the managers' protocol put before the words is for nobody.
      const words = message.replace(/^\(HTTP code \d+\) [^-]* - (rpc error: code = \w+ desc = )?/, '').trim();
      throw new FlyballError('REPLICA_FAILED', `the Docker engine at ${where} refused: ${words}`, { cause: error });
    }
  }
  const told = async <T>(call: () => Promise<T>): Promise<T> => (await ask(call)) as T;
  const labelled = (label: string): { filters: Record<string, string[]> } => ({ filters: { label: [label] } });

  async function listen(): Promise<void> {
    if (closed || listeners.length === 0) return;
    try {
      const found = (await stream.getEvents({ filters: { scope: ['swarm'], type: ['service', 'node'] } })) as Readable;
      // Closed meanwhile: nobody would ever end it, and it would hold this process.
      if (closed) {
        found.destroy();
        return;
      }
      events = found;
      events.on('data', () => {
        for (const listener of listeners) listener();
      });
      events.once('close', again);
      events.once('error', () => events?.destroy());
    } catch {
      again();
    }
  }
  function again(): void {
    if (closed) return;
    const timer = setTimeout(() => void listen(), reconnectMs);
    cancelRetry = () => clearTimeout(timer);
  }

  async function keep(
    file: NewFile,
    make: (spec: object) => Promise<unknown>,
    list: (filters: object) => Promise<readonly ApiNamed[]>,
  ): Promise<KeptFile> {
    const spec = { Name: file.name, Labels: file.labels, Data: Buffer.from(file.content).toString('base64') };
    await ask(() => make(spec), [nameTaken]);
    const found = await told(() => list({ filters: { name: [file.name] } }));
    const same = found.find(({ Spec }) => Spec.Name === file.name);
    if (same === undefined) throw new FlyballError('ENGINE_UNREACHABLE', `${file.name} was kept and is gone again`);
    return { id: same.ID, name: file.name };
  }
  const named = (found: readonly ApiNamed[]): KeptFile[] =>
    found.map(({ ID, Spec }) => ({ id: ID, name: Spec.Name, labels: Spec.Labels ?? {} }));
  const listConfigs = (filters: object): Promise<readonly ApiNamed[]> =>
    docker.listConfigs(filters) as Promise<unknown> as Promise<readonly ApiNamed[]>;
  const listSecrets = (filters: object): Promise<readonly ApiNamed[]> =>
    docker.listSecrets(filters) as Promise<unknown> as Promise<readonly ApiNamed[]>;

  return {
    async ownAddress() {
      const { Swarm } = (await told(() => docker.info())) as {
        readonly Swarm?: { readonly NodeAddr?: string; readonly ControlAvailable?: boolean };
      };
      if (Swarm?.ControlAvailable !== true) {
        throw new FlyballError(
          'ENGINE_UNREACHABLE',
          `expected a manager of a Swarm at ${where} (orchestrator.socket), got an engine that is none; \`docker swarm init\` makes one`,
        );
      }
      return Swarm.NodeAddr === '' ? undefined : Swarm.NodeAddr;
    },
    async image(name) {
      const found = await ask(() => docker.getImage(name).inspect(), [notFound]);
      if (found === undefined) return undefined;
      // As one string it is the command of a shell; engines write it as words, other builders may not.
      const words = (given: string | readonly string[] | null | undefined): readonly string[] =>
        typeof given === 'string' ? ['/bin/sh', '-c', given] : (given ?? []);
      const { Entrypoint, Cmd, Env } = found.Config;
      const env = (Env ?? []).map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      });
      return { id: found.Id, starts: [...words(Entrypoint), ...words(Cmd)], env: Object.fromEntries(env) };
    },
    async services(label) {
      const found = await told(() => docker.listServices(labelled(label)));
      return found.map((each): SwarmService => {
        const { ID, Version, Spec } = each as unknown as {
          readonly ID: string;
          readonly Version: { readonly Index: number };
          readonly Spec: ServiceSpec;
        };
        return { id: ID, version: Version.Index, spec: Spec };
      });
    },
    async createService(spec) {
      return (await ask(() => docker.createService(spec as Docker.CreateServiceOptions), [nameTaken])) !== undefined;
    },
    async updateService({ id, version }, spec) {
      const call = () => docker.getService(id).update({ ...spec, version });
      try {
        return (await ask(call, [notFound])) !== undefined;
      } catch (error) {
        // Somebody was quicker; the one who asks looks again.
        if (error instanceof FlyballError && error.message.includes('out of sequence')) return false;
        throw error;
      }
    },
    async removeService(id) {
      await ask(() => docker.getService(id).remove(), [notFound]);
    },
    async tasks(label) {
      const found = (await told(() => docker.listTasks(labelled(label)))) as readonly ApiTask[];
      return found.map(toTask);
    },
    async nodes() {
      const found = (await told(() => docker.listNodes())) as unknown as readonly ApiNode[];
      return found.map(toNode);
    },
    async placed() {
      const found = (await told(() => docker.listTasks())) as unknown as readonly ApiTask[];
      return found.flatMap(toPlaced);
    },
    keepConfig: (file) => keep(file, (spec) => docker.createConfig(spec), listConfigs),
    keepSecret: (file) => keep(file, (spec) => docker.createSecret(spec), listSecrets),
    configs: async (label) => named(await told(() => listConfigs(labelled(label)))),
    secrets: async (label) => named(await told(() => listSecrets(labelled(label)))),
    // What is in use is refused with 400.
    async removeConfig(id) {
      return (await ask(() => docker.getConfig(id).remove(), [400, notFound])) !== undefined;
    },
    async removeSecret(id) {
      return (await ask(() => docker.getSecret(id).remove(), [400, notFound])) !== undefined;
    },
    async lastWords(taskId, bytesMax) {
      const lines = 20;
      const dial = new Promise<unknown>((resolve, reject) => {
        docker.modem.dial(
          {
            path: `/tasks/${taskId}/logs?stdout=true&stderr=true&tail=${lines}`,
            method: 'GET',
            statusCodes: { 200: true },
          },
          (error, data) => (error === null ? resolve(data) : reject(error)),
        );
      });
      const data = await ask(() => dial, [notFound, 501]);
      return Buffer.isBuffer(data) || typeof data === 'string' ? unframed(Buffer.from(data)).slice(-bytesMax) : '';
    },
    onChange(listener) {
      listeners.push(listener);
      if (listeners.length === 1) void listen();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      cancelRetry();
      events?.destroy();
    },
  };
}

/**
 * The engine publishes a port twice, for IPv4 and then for IPv6, without saying which is which; where somebody has taken one
 * of a node's ports for the one and not for the other, it has given out two.
 */
export function portsOf(
  published: readonly { readonly TargetPort: number; readonly PublishedPort: number }[],
): Readonly<Record<number, number>> {
  const first = published.toReversed();
  return Object.fromEntries(first.map(({ TargetPort, PublishedPort }) => [TargetPort, PublishedPort]));
}

function toTask({ ID, ServiceID, Slot = 0, NodeID, DesiredState, Status, Spec }: ApiTask): SwarmTask {
  const ports = Status.PortStatus?.Ports ?? [];
  return {
    id: ID,
    serviceId: ServiceID,
    slot: Slot,
    nodeId: NodeID === '' ? undefined : NodeID,
    desired: DesiredState,
    state: Status.State,
    message: Status.Message ?? '',
    error: Status.Err === '' ? undefined : Status.Err,
    exitCode: Status.ContainerStatus?.ExitCode,
    ports: portsOf(ports),
    labels: Spec?.ContainerSpec?.Labels ?? {},
  };
}

function toNode({ ID, Spec, Description, Status, ManagerStatus }: ApiNode): ClusterMember {
  // Some versions say 0.0.0.0 of the manager that is asked.
  const listens = ManagerStatus?.Addr.replace(/:\d+$/, '');
  const address = Status.Addr === undefined || Status.Addr === '0.0.0.0' ? listens : Status.Addr;
  return {
    id: ID,
    name: Description.Hostname,
    address: address ?? '',
    role: ManagerStatus === undefined ? 'worker' : 'manager',
    state: Status.State,
    availability: Spec.Availability,
    labels: Spec.Labels ?? {},
    whole: toRoom(Description.Resources),
  };
}

function toRoom({ NanoCPUs = 0, MemoryBytes = 0, GenericResources }: ApiResources): Room {
  const generic: Record<string, number> = {};
  for (const { DiscreteResourceSpec: counted, NamedResourceSpec: single } of GenericResources ?? []) {
    if (counted !== undefined) generic[counted.Kind] = (generic[counted.Kind] ?? 0) + counted.Value;
    if (single !== undefined) generic[single.Kind] = (generic[single.Kind] ?? 0) + 1;
  }
  return { cores: NanoCPUs / nanosPerCore, memoryBytes: MemoryBytes, generic };
}

/** From when a task was given to a node until its node has said that it ended, also where it is to end. */
const holding: ReadonlySet<TaskState> = new Set(['assigned', 'accepted', 'preparing', 'ready', 'starting', 'running']);

function toPlaced({ NodeID: nodeId = '', Status, Spec }: ApiTask): readonly PlacedTask[] {
  if (nodeId === '' || !holding.has(Status.State)) return [];
  const labels = Spec?.ContainerSpec?.Labels ?? {};
  return [{ nodeId, labels, reserved: toRoom(Spec?.Resources?.Reservations ?? {}) }];
}

/** Logs come in frames of 8 bytes of header (stream, three zeros, length in big-endian) and a line. */
function unframed(data: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at + 8 <= data.length;) {
    const length = data.readUInt32BE(at + 4);
    parts.push(data.toString('utf8', at + 8, at + 8 + length));
    at += 8 + length;
  }
  return parts.join('').trim();
}
