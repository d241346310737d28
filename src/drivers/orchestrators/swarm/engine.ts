/**
 * What the driver needs of a Docker Swarm, with what it reads and writes in one place: the shapes of the Engine API 1.41
 * that are used here, no more. `docker.ts` asks a daemon; tests answer from a recording.
 */
import type { ClusterMember, Room } from '../../../core/placement/node.ts';

/** As the API has it; what is not touched here is passed on as it came. */
export interface ServiceSpec {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly TaskTemplate: Readonly<Record<string, unknown>>;
  /** A global service has a task on each node, also on those that come later. */
  readonly Mode: { readonly Replicated?: { readonly Replicas: number }; readonly Global?: object };
  readonly EndpointSpec?: Readonly<Record<string, unknown>>;
  readonly UpdateConfig?: Readonly<Record<string, unknown>>;
}

export interface SwarmService {
  readonly id: string;
  /** An update names the version that it changes, and is refused when there is a newer one. */
  readonly version: number;
  readonly spec: ServiceSpec;
}

export type TaskState =
  | 'new'
  | 'pending'
  | 'assigned'
  | 'accepted'
  | 'preparing'
  | 'ready'
  | 'starting'
  | 'running'
  | 'complete'
  | 'shutdown'
  | 'failed'
  | 'rejected'
  | 'remove'
  | 'orphaned';

export interface SwarmTask {
  readonly id: string;
  readonly serviceId: string;
  readonly slot: number;
  readonly nodeId: string | undefined;
  /** What the managers want of it, and what its node has last said. */
  readonly desired: TaskState;
  readonly state: TaskState;
  /** The engine's own words. */
  readonly message: string;
  readonly error: string | undefined;
  readonly exitCode: number | undefined;
  /** Container's port → port of the node, of those that are published on the node itself. */
  readonly ports: Readonly<Record<number, number>>;
  /** Of its container. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A task that holds room on its node, whoever's it is: it was given to it and has not ended. */
export interface PlacedTask {
  readonly nodeId: string;
  /** Of its container. */
  readonly labels: Readonly<Record<string, string>>;
  readonly reserved: Room;
}

/** A config or a secret: its content never changes under its name. */
export interface KeptFile {
  readonly id: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface NewFile {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly content: string;
}

/** What an image says of itself: each word of the command is an argument. */
export interface ImageFacts {
  /** Digest of its configuration; the same name may be another image tomorrow. */
  readonly id: string;
  /** What it starts by itself: entry point and command. */
  readonly starts: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Throws ENGINE_UNREACHABLE while the daemon or a quorum of managers is not there. */
export interface SwarmEngine extends AsyncDisposable {
  /** At which the engine's own node is reached by the others; undefined where it does not say. */
  ownAddress(): Promise<string | undefined>;
  /** Of that node's own images; undefined where it has none of this name. */
  image(name: string): Promise<ImageFacts | undefined>;
  /** Services with this label; likewise below. */
  services(label: string): Promise<readonly SwarmService[]>;
  /** False when there is one of that name. */
  createService(spec: ServiceSpec): Promise<boolean>;
  /** False when it has changed meanwhile, or is gone. */
  updateService(service: SwarmService, spec: ServiceSpec): Promise<boolean>;
  removeService(id: string): Promise<void>;
  tasks(label: string): Promise<readonly SwarmTask[]>;
  nodes(): Promise<readonly ClusterMember[]>;
  /** Of all services of the Swarm. */
  placed(): Promise<readonly PlacedTask[]>;
  /** Makes it unless it is there. */
  keepConfig(file: NewFile): Promise<KeptFile>;
  keepSecret(file: NewFile): Promise<KeptFile>;
  configs(label: string): Promise<readonly KeptFile[]>;
  secrets(label: string): Promise<readonly KeptFile[]>;
  /** False while something uses it. */
  removeConfig(id: string): Promise<boolean>;
  removeSecret(id: string): Promise<boolean>;
  /** The last words of a task's output, wherever it ran. */
  lastWords(taskId: string, bytesMax: number): Promise<string>;
  /** Called when a service or a node has changed; it may miss some, so whoever listens looks regularly as well. */
  onChange(listener: () => void): void;
}
