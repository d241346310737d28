/** What a whole platform on a Swarm is made of: gateways on every node, and control. Types, names and labels. */
import { createHash, createHmac } from 'node:crypto';
import type { Specification } from '../../../../config/specification.ts';

/**
 * Labels of what makes up the platform itself. They are not those of replicas: control keeps and removes everything that
 * carries `io.flyball.platform`, and must not find itself there.
 */
export const stackLabels = {
  stack: 'io.flyball.stack',
  role: 'io.flyball.role',
  /** Hash of the order that a task was made by: one that has it is of the newest. */
  order: 'io.flyball.order',
  /** Of a secret that is a certificate: its authority, and from when on, in Unix milliseconds, new tasks get another. */
  authority: 'io.flyball.authority',
  due: 'io.flyball.due',
} as const;

export type Role = 'control' | 'gateway';

export interface ManagerNode {
  readonly id: string;
  readonly name: string;
  /** At which others reach its published ports. */
  readonly address: string;
}

export interface StackOrder {
  /** With the files that it names under absolute paths. */
  readonly specification: Specification;
  readonly image: string;
  /** At least one; those that may have control. */
  readonly managers: readonly ManagerNode[];
  /** Id of the manager that keeps control where the store is a file. */
  readonly home: string;
  /** Numeric group that may open the engine's socket. */
  readonly socketGroup: number;
  /** Fingerprint of the platform's authority. */
  readonly authority: string;
  readonly insecure: boolean;
  readonly logLevel?: string | undefined;
}

/** A secret or a config, before the engine has it. */
export interface StackFile {
  readonly kind: 'secret' | 'config';
  /** Ends in a hash of what is in it: another content is another file. */
  readonly name: string;
  /** Path in the container; one without a folder is below /run/secrets. */
  readonly target: string;
  readonly roles: readonly Role[];
  readonly content: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** As the engine has it. */
export interface PlacedFile extends Pick<StackFile, 'kind' | 'name' | 'target' | 'roles'> {
  readonly id: string;
}

const nameMax = 63;
const hashDigits = 12;

/** What engines take in the name of a service, a volume or a secret. */
export const prefixOf = (platform: string, max = nameMax): string =>
  platform.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, max);

export const serviceOf = (platform: string, role: Role): string => `${prefixOf(platform, nameMax - 8)}_${role}`;

/** Of control: store, artefacts, series. */
export const dataVolume = (platform: string): string => `${prefixOf(platform)}-data`;
/** Of a gateway: the tables that it starts with while nobody answers. */
export const gatewayVolume = (platform: string): string => `${prefixOf(platform)}-gateway`;

/** `secret` keeps whoever only sees the name from trying what is in it. */
export function fileName(platform: string, what: string, content: string, secret?: string): string {
  const hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  const digits = hash.update(content).digest('hex').slice(0, hashDigits);
  return `${prefixOf(platform, nameMax - hashDigits - what.length - 2)}-${what}-${digits}`;
}

/** Everybody who asks control looks at these, in this order. */
export function homesOf({ specification, managers, home }: StackOrder): readonly ManagerNode[] {
  return specification.store.kind === 'sqlite' ? managers.filter(({ id }) => id === home) : managers;
}

export function doorsOf(order: StackOrder): readonly string[] {
  const { port } = order.specification.orchestrator.door;
  return homesOf(order).map(({ address }) => `https://${hostOf(address)}:${port}`);
}

/** As it stands in a URL. */
export const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Of gateways, on the nodes: control's are at `listeners.metrics.port`, and both may be on one node. */
export function gatewayMetricsPort({ listeners, orchestrator }: Specification): number {
  const { metrics, ...others } = listeners;
  const taken = new Set([orchestrator.door.port, metrics.port, ...Object.values(others).map((each) => each?.port)]);
  let port = metrics.port + 1;
  while (taken.has(port)) port += 1;
  return port;
}

export type ListenerKey = keyof Specification['listeners'];

const listenersByRole: Readonly<Record<Role, readonly ListenerKey[]>> = {
  control: ['control', 'metrics', 'management'],
  gateway: ['http', 'grpc', 'metrics'],
};

/** Those that a role opens; the management listener only where the specification has one. */
export const listenersOf = ({ listeners }: Specification, role: Role): readonly ListenerKey[] =>
  listenersByRole[role].filter((key) => listeners[key] !== undefined);
