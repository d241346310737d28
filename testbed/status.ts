/** How a testbed stands: what the kernel says of each node, what its engine says it runs, what a manager says of it. */
import { cpuSeconds } from './control-groups.ts';
import { engineAt, lookMs } from './engine.ts';
import type { TestbedNames } from './names.ts';
import { listLinks, listNamespaces } from './network.ts';
import { isCut, powerOf, type Power } from './node.ts';
import type { TestbedSettings } from './settings.ts';
import { findManager, type ListedNode } from './swarm.ts';

export interface NodeStatus {
  readonly number: number;
  readonly hostname: string;
  readonly role: 'manager' | 'worker';
  readonly address: string;
  readonly socketPath: string;
  readonly power: Power;
  readonly link: 'up' | 'cut';
  /** Cores that its containers may use together; null: no limit. */
  readonly cpus: number | null;
  /** That its containers have used since the testbed came up. */
  readonly cpuSeconds: number;
  /** As a manager sees it: ready, down, unknown, …; null when no manager answers or it knows no such node. */
  readonly swarm: string | null;
  readonly availability: string | null;
  /** Names of the containers that its engine says it runs; null when it does not answer. */
  readonly containers: readonly string[] | null;
}

export interface TestbedStatus {
  readonly name: string;
  readonly folder: string;
  readonly settings: TestbedSettings;
  /** Whether a manager with a quorum answers. */
  readonly managed: boolean;
  readonly nodes: readonly NodeStatus[];
}

export async function lookAt(names: TestbedNames, settings: TestbedSettings): Promise<TestbedStatus> {
  const numbers = Array.from({ length: settings.nodes }, (_, index) => index + 1);
  const awake = numbers.filter((number) => powerOf(names.node(number)) === 'up');
  const [links, listed, ran] = await Promise.all([
    listNamespaces(names).includes(names.lan) ? listLinks(names.lan) : new Map<string, boolean>(),
    listNodes(
      names,
      awake.filter((number) => number <= settings.managers),
    ),
    Promise.all(awake.map(async (number) => [number, await listContainers(names.node(number).socketPath)] as const)),
  ]);
  const containers = new Map(ran);
  return {
    name: names.name,
    folder: names.folder,
    settings,
    managed: listed !== undefined,
    nodes: numbers.map((number): NodeStatus => {
      const node = names.node(number);
      const found = listed?.find(({ Description }) => Description.Hostname === node.hostname);
      return {
        number,
        hostname: node.hostname,
        role: number <= settings.managers ? 'manager' : 'worker',
        address: node.address,
        socketPath: node.socketPath,
        power: powerOf(node),
        link: (links.get(node.port) ?? !isCut(node)) ? 'up' : 'cut',
        cpus: settings.cpus ?? null,
        cpuSeconds: cpuSeconds(node.group),
        swarm: found?.Status.State ?? null,
        availability: found?.Spec.Availability ?? null,
        containers: containers.get(number) ?? null,
      };
    }),
  };
}

async function listNodes(names: TestbedNames, managers: readonly number[]): Promise<readonly ListedNode[] | undefined> {
  try {
    return await (await findManager(names, managers))?.listNodes();
  } catch {
    return undefined; // it has lost its quorum in between
  }
}

async function listContainers(socketPath: string): Promise<readonly string[] | null> {
  try {
    const containers = await engineAt(socketPath, lookMs).listContainers();
    return containers.map(({ Names, Id }) => Names[0]?.slice(1) ?? Id.slice(0, 12)).toSorted();
  } catch {
    return null;
  }
}

/** The table for a person. */
export function statusTable({ name, folder, managed, nodes }: TestbedStatus): string {
  const rows = nodes.map((node) => [
    String(node.number),
    node.role,
    node.address,
    node.power,
    node.link,
    `${node.cpus ?? 'all'}`,
    `${node.cpuSeconds.toFixed(1)} s`,
    node.swarm === null ? '-' : node.availability === 'active' ? node.swarm : `${node.swarm}, ${node.availability}`,
    node.containers === null ? '-' : node.containers.map(shorten).join(' ') || 'nothing',
  ]);
  const table = [['node', 'role', 'address', 'power', 'link', 'CPU', 'used', 'in the Swarm', 'runs'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    `testbed ${name}, ${folder}`,
    ...lines,
    ...(managed ? [] : ['no manager answers: the Swarm changes nothing until one does']),
  ].join('\n');
}

/** A task's container ends in the task's 25 letters, which nobody reads. */
const shorten = (container: string): string => container.replace(/\.[a-z0-9]{25}$/, '');
