/**
 * The control groups of a node, cgroup v1: what its processes are found, frozen and limited by. The engine is in the
 * groups for `pids` and `freezer`, its containers in groups below, in every hierarchy: limits of `cpu` and `memory`
 * hold for the containers together and not for the engine.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { until } from './commands.ts';

export const hierarchyRoot = '/sys/fs/cgroup';

/** In which a node has a group before its engine starts. */
export const controllers = ['cpu', 'memory', 'pids', 'freezer'] as const;

/** Of which the engine itself is a member. */
export const engineControllers = ['pids', 'freezer'] as const;

const periodUs = 100_000;

const file = (controller: string, group: string, name: string): string =>
  `${hierarchyRoot}/${controller}/${group}/${name}`;

export interface Limits {
  /** Cores. */
  readonly cpus?: number | undefined;
  readonly memoryMiB?: number | undefined;
}

export function makeGroups(group: string, { cpus, memoryMiB }: Limits): void {
  for (const controller of controllers) makeGroup(`${hierarchyRoot}/${controller}/${group}`);
  if (cpus !== undefined) {
    writeFileSync(file('cpu', group, 'cpu.cfs_period_us'), String(periodUs));
    writeFileSync(file('cpu', group, 'cpu.cfs_quota_us'), String(Math.round(cpus * periodUs)));
  }
  if (memoryMiB !== undefined)
    writeFileSync(file('memory', group, 'memory.limit_in_bytes'), String(memoryMiB * 1024 * 1024));
}

function makeGroup(path: string): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      mkdirSync(path, { recursive: true });
      return;
    } catch (error) {
      // Another testbed, going down, has taken away the parent that was empty for a moment.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 10) throw error;
    }
  }
}

/** Every hierarchy in which a group of this name is there: engines make groups in all of them. */
export function groupPaths(group: string): readonly string[] {
  return readdirSync(hierarchyRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${hierarchyRoot}/${entry.name}/${group}`)
    .filter((path) => existsSync(path));
}

/** Processes of a group and of all below it. */
export function groupMembers(group: string): readonly number[] {
  const members = (path: string): number[] => {
    try {
      const own = readFileSync(`${path}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
      return [...own, ...foldersIn(path).flatMap((folder) => members(folder))];
    } catch {
      return []; // it has gone in between
    }
  };
  return members(`${hierarchyRoot}/pids/${group}`);
}

const foldersIn = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${path}/${entry.name}`);

export function isFrozen(group: string): boolean {
  try {
    return readFileSync(file('freezer', group, 'freezer.state'), 'utf8').trim() !== 'THAWED';
  } catch {
    return false; // no group: nothing runs
  }
}

/** Returns when no process of the group runs any more. */
export async function freezeGroup(group: string): Promise<void> {
  const state = file('freezer', group, 'freezer.state');
  writeFileSync(state, 'FROZEN');
  // FREEZING until the last one has stopped, which reading the state helps on.
  await until(`${group} is frozen`, 10_000, () => readFileSync(state, 'utf8').trim() === 'FROZEN' || undefined);
}

export function thawGroup(group: string): void {
  if (isFrozen(group)) writeFileSync(file('freezer', group, 'freezer.state'), 'THAWED');
}

/** Seconds of CPU that the containers of a node have used together since it was made. */
export function cpuSeconds(group: string): number {
  const path = file('cpuacct', group, 'cpuacct.usage');
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) / 1e9 : 0;
}

/**
 * Kills every process of a group at once and returns when all are gone. `first` names the one whose death takes the
 * others along. A frozen group is thawed only after its processes have the signal: they never run again.
 */
export async function killGroup(group: string, first: (pids: readonly number[]) => number | undefined): Promise<void> {
  await until(`the processes of ${group} are gone`, 20_000, () => {
    const members = groupMembers(group);
    const head = first(members);
    for (const pid of head === undefined ? members : [head, ...members]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself, or with the first.
      }
    }
    thawGroup(group);
    return members.length === 0 || undefined;
  });
}

/** Takes away a group without processes, everywhere, and the parent that it shares with others when it is the last. */
export async function removeGroups(group: string): Promise<void> {
  await until(`the control groups of ${group} are gone`, 10_000, () => {
    const paths = groupPaths(group);
    for (const path of paths) removeTree(path);
    return groupPaths(group).length === 0 || undefined;
  });
  for (const path of groupPaths(dirname(group))) {
    try {
      rmdirSync(path);
    } catch {
      // Another testbed is there.
    }
  }
}

function removeTree(path: string): void {
  for (const folder of foldersIn(path)) removeTree(folder);
  rmdirSync(path); // fails while the kernel has not quite let go of the last process
}
