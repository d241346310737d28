/**
 * The network between the nodes: a bridge in a network namespace of its own, and a cable from it into the namespace of
 * each node. Nothing of it is in the machine's own network namespace but one cable, where that is asked for, and no
 * packet leaves it.
 */
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { execute } from './commands.ts';
import type { NodeNames, TestbedNames } from './names.ts';

/** Where iproute2 keeps network namespaces that have a name. */
export const namespaceFolder = '/run/netns';

const batch = (namespace: string, lines: readonly string[]): Promise<string> =>
  execute('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`);

export function listNamespaces({ owns }: TestbedNames): readonly string[] {
  try {
    return readdirSync(namespaceFolder).filter((namespace) => owns(namespace));
  } catch {
    return []; // there has never been one
  }
}

export async function makeLan(names: TestbedNames): Promise<void> {
  if (!listNamespaces(names).includes(names.lan)) await execute('ip', ['netns', 'add', names.lan]);
  const links = await listLinks(names.lan);
  if (links.get('br0') === true) return;
  await batch(names.lan, [
    'link set lo up',
    ...(links.has('br0') ? [] : ['link add br0 type bridge']),
    // Replaced and not added: an earlier attempt may have ended between any two of these lines.
    `address replace ${names.gateway}/24 dev br0`,
    'link set br0 up',
  ]);
}

/** Whether the machine has a way into this network that is not the testbed's own cable. */
export async function isNetworkTaken({ network, machine }: TestbedNames): Promise<boolean> {
  const routes = JSON.parse(await execute('ip', ['-json', 'route', 'show', 'root', network])) as readonly {
    readonly dev?: string;
  }[];
  return routes.some(({ dev }) => dev !== machine.interface);
}

/** Gives the machine a cable to the bridge, so that any of its processes reaches the nodes, and their containers it. */
export async function plugInMachine(names: TestbedNames): Promise<void> {
  const { machine, network, lan } = names;
  if (await isNetworkTaken(names))
    throw new Error(`the machine has a route into ${network} already: give the testbed another name`);
  if (!isMachinePluggedIn(names))
    await execute('ip', ['link', 'add', machine.interface, 'type', 'veth', 'peer', 'name', 'machine', 'netns', lan]);
  await batch(lan, ['link set machine master br0 up']);
  await execute('ip', ['address', 'replace', `${machine.address}/24`, 'dev', machine.interface]);
  await execute('ip', ['link', 'set', machine.interface, 'up']);
}

export const isMachinePluggedIn = ({ machine }: TestbedNames): boolean =>
  existsSync(`/sys/class/net/${machine.interface}`);

export async function unplugMachine(names: TestbedNames): Promise<void> {
  if (isMachinePluggedIn(names)) await execute('ip', ['link', 'delete', names.machine.interface]);
}

/** The same after each start, as a machine's is: the others would look for the earlier one for up to a minute. */
function hardwareAddress({ address }: NodeNames): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '00', ...bytes].join(':');
}

/** A node's namespace with its cable; made anew when there is one that only half of it was made of. */
export async function plugIn(names: TestbedNames, node: NodeNames, cut: boolean): Promise<void> {
  await unplug(names, node);
  await execute('ip', ['netns', 'add', node.namespace]);
  await batch(names.lan, [
    `link add ${node.port} type veth peer name eth0 address ${hardwareAddress(node)} netns ${node.namespace}`,
    `link set ${node.port} master br0 ${cut ? 'down' : 'up'}`,
  ]);
  await batch(node.namespace, [
    'link set lo up',
    `address add ${node.address}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${names.gateway}`,
  ]);
}

export async function unplug(names: TestbedNames, node: NodeNames): Promise<void> {
  const there = listNamespaces(names);
  // The cable first: a namespace is taken apart later, in the background, and its end of the cable with it.
  if (there.includes(names.lan) && (await listLinks(names.lan)).has(node.port))
    await batch(names.lan, [`link delete ${node.port}`]);
  if (there.includes(node.namespace)) await removeNamespace(node.namespace);
}

export async function setCable(names: TestbedNames, node: NodeNames, state: 'up' | 'down'): Promise<void> {
  await batch(names.lan, [`link set ${node.port} ${state}`]);
}

export const removeNamespace = (namespace: string): Promise<string> => execute('ip', ['netns', 'delete', namespace]);

/** Interfaces of a namespace → whether they are switched on. */
export async function listLinks(namespace: string): Promise<ReadonlyMap<string, boolean>> {
  const links = JSON.parse(await execute('ip', ['-n', namespace, '-json', 'link', 'show'])) as readonly {
    readonly ifname: string;
    readonly flags: readonly string[];
  }[];
  return new Map(links.map(({ ifname, flags }) => [ifname, flags.includes('UP')]));
}

/** Processes in the testbed's network namespaces, this one and those that it descends from left out. */
export function namespaceMembers(names: TestbedNames, spared: ReadonlySet<number>): readonly number[] {
  const inodes = new Set(
    listNamespaces(names).map((namespace) => `net:[${statSync(`${namespaceFolder}/${namespace}`).ino}]`),
  );
  if (inodes.size === 0) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return !spared.has(pid) && inodes.has(readlinkSync(`/proc/${pid}/ns/net`));
      } catch {
        return false; // it has ended in between
      }
    });
}

/** What a command is put behind to run in the network of the nodes. */
export const lanCommand = ({ lan }: TestbedNames): readonly string[] => ['nsenter', `--net=${namespaceFolder}/${lan}`];
