/**
 * Where in the unified hierarchy (cgroup v2) this user may make groups: below the root, or below the group that this
 * platform runs in when that was handed to it (systemd's `Delegate=`, a container with a hierarchy of its own).
 * The kernel lets no group have both processes and limited children, so that there the platform first moves aside:
 *   <own>/platform   the supervisor and its children     <own>/flyball/<name>   one group a replica
 * Invariant: nobody else's process is ever moved; where one shares our group, no limit is made.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface DelegationOptions {
  /** Where the unified hierarchy is mounted. */
  readonly root: string;
  /** Name of the group that holds the replicas' groups. */
  readonly parent: string;
  /** What says which group we are in. */
  readonly self?: string;
  /** Whether a process belongs to this platform. */
  readonly isOurs?: (pid: number) => Promise<boolean>;
}

const aside = 'platform';
/** Processes that are started while we move come after us. */
const moveRounds = 5;
const ancestorsMax = 64;

/** The folder in which groups with limits can be made now; throws the system's words where there is none. */
export async function openUnifiedParent(options: DelegationOptions): Promise<string> {
  const { root, parent } = options;
  try {
    return await enable(root, parent);
  } catch (error) {
    const own = await ownGroup(options);
    if (own === undefined) throw error;
    await moveAside(own, options.isOurs ?? isOfThisPlatform);
    return enable(own, parent);
  }
}

async function enable(folder: string, parent: string): Promise<string> {
  const group = join(folder, parent);
  await writeFile(join(folder, 'cgroup.subtree_control'), '+cpu +memory');
  await mkdir(group, { recursive: true });
  await writeFile(join(group, 'cgroup.subtree_control'), '+cpu +memory');
  return group;
}

/** The folder of `0::/system.slice/flyball.service`, or the one above when we have moved aside before. */
export async function ownGroup({
  root,
  self = '/proc/self/cgroup',
}: Pick<DelegationOptions, 'root' | 'self'>): Promise<string | undefined> {
  const line = (await readFile(self, 'utf8').catch(() => '')).split('\n').find((each) => each.startsWith('0::/'));
  if (line === undefined) return undefined;
  const path = line.slice(3);
  return join(root, basename(path) === aside ? dirname(path) : path);
}

async function moveAside(own: string, isOurs: (pid: number) => Promise<boolean>): Promise<void> {
  for (let round = 0; round < moveRounds; round++) {
    const pids = (await readFile(join(own, 'cgroup.procs'), 'utf8')).split('\n').filter((line) => line !== '');
    if (pids.length === 0) return;
    for (const pid of pids) {
      if (!(await isOurs(Number(pid)))) throw new Error(`process ${pid}, which is not of Flyball, is in ${own} too`);
    }
    await mkdir(join(own, aside), { recursive: true });
    for (const pid of pids) {
      await writeFile(join(own, aside, 'cgroup.procs'), pid).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ESRCH') throw error; // it has ended in between
      });
    }
  }
}

/** This process, the supervisor that started it, and whatever either has started. */
async function isOfThisPlatform(pid: number): Promise<boolean> {
  let current = pid;
  for (let above = 0; above < ancestorsMax && current > 1; above++) {
    if (current === process.pid || current === process.ppid) return true;
    const stat = await readFile(`/proc/${current}/stat`, 'latin1').catch(() => undefined);
    if (stat === undefined) return true; // it has ended: nobody's
    current = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  return current === process.ppid;
}
