/** Takes a testbed away, whatever state it is in, and tells what of one is left on the machine. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { until } from './commands.ts';
import { groupMembers, groupPaths, killGroup, removeGroups } from './control-groups.ts';
import { stateRoot, testbedNames, type TestbedNames } from './names.ts';
import {
  isMachinePluggedIn,
  listNamespaces,
  namespaceFolder,
  namespaceMembers,
  removeNamespace,
  unplugMachine,
} from './network.ts';
import { firstProcess } from './node.ts';
import { isRunning, listTestbeds, lockTestbed, readRecord } from './state.ts';

export interface Leftovers {
  readonly processes: readonly number[];
  readonly namespaces: readonly string[];
  /** In the machine's own network namespace. */
  readonly interfaces: readonly string[];
  readonly mounts: readonly string[];
  readonly controlGroups: readonly string[];
  readonly folders: readonly string[];
}

/** What of a testbed is on the machine; every list is empty after `takeDown`. */
export function leftoversOf(names: TestbedNames): Leftovers {
  return {
    processes: [...new Set([...groupMembers(names.group), ...namespaceMembers(names, ancestry())])],
    namespaces: listNamespaces(names),
    interfaces: isMachinePluggedIn(names) ? [names.machine.interface] : [],
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter(
        (path) =>
          `${path}/`.startsWith(`${names.folder}/`) ||
          (path.startsWith(`${namespaceFolder}/`) && names.owns(path.slice(namespaceFolder.length + 1))),
      ),
    controlGroups: groupPaths(names.group),
    folders: [names.folder].filter((folder) => existsSync(folder)),
  };
}

/** This process and those that it descends from: whoever takes down the testbed from inside its network goes on. */
function ancestry(): ReadonlySet<number> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 0 && !found.has(pid);) {
    found.add(pid);
    try {
      pid = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      break;
    }
  }
  return found;
}

/** Numbers of the nodes that have control groups: what runs is in one of them. */
const nodesOf = ({ group }: TestbedNames): readonly number[] => [
  ...new Set(
    groupPaths(group)
      .flatMap((path) => readdirSync(path))
      .flatMap((entry) => /^n(\d+)$/.exec(entry)?.[1] ?? [])
      .map(Number),
  ),
];

/**
 * Also for what is only half there; not when it is no longer `wanted` once nobody else changes it. Throws when something
 * of it could not be taken away, and names it.
 */
export async function takeDown(names: TestbedNames, wanted: () => boolean = () => true): Promise<void> {
  {
    using _ = await lockTestbed(names);
    if (!wanted()) return;
    await Promise.all(nodesOf(names).map((number) => killGroup(names.node(number).group, firstProcess)));
    await until('what ran in the network is gone', 10_000, () => {
      const rest = namespaceMembers(names, ancestry());
      for (const pid of rest) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      }
      return rest.length === 0 || undefined;
    });
    await unplugMachine(names);
    for (const namespace of listNamespaces(names)) await removeNamespace(namespace);
    await removeGroups(names.group);
    await rm(names.folder, { recursive: true, force: true, maxRetries: 5 });
  }
  try {
    rmdirSync(stateRoot);
  } catch {
    // Another testbed is there.
  }
  const left = Object.entries(leftoversOf(names)).filter(([, found]) => (found as readonly unknown[]).length > 0);
  if (left.length > 0)
    throw new Error(`testbed ${names.name} has left ${left.map(([what, found]) => `${what} ${found}`).join('; ')}`);
}

/** Takes down what processes that have died had opened for themselves. */
export async function sweep(): Promise<void> {
  for (const name of listTestbeds()) {
    const names = testbedNames(name);
    const isOrphan = (): boolean => {
      const owner = readRecord(names)?.owner ?? null;
      return owner !== null && !isRunning(owner);
    };
    if (isOrphan()) await takeDown(names, isOrphan);
  }
}
