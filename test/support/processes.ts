/** Processes as the kernel lists them, so that a test can look behind what the platform says of itself. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Platform } from './platform.ts';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

export function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }];
      } catch {
        return []; // it has ended in between
      }
    });
}

export function alive(pid: number): boolean {
  return listProcesses().some((entry) => entry.pid === pid);
}

/** A process and all that descend from it. */
export function treeOf(root: number): number[] {
  const all = listProcesses();
  const found = new Set([root]);
  // Parents are listed before their children only mostly: a pid can come round.
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** What a platform's orchestrator has started and runs, also what lost its parent: runners, and those that wait. */
export function startedIn(dataDirectory: string): number[] {
  return inRunDirectory(listProcesses(), dataDirectory);
}

/** By the environment that the orchestrator of a platform gives to what it starts. */
function inRunDirectory(entries: readonly ProcessEntry[], dataDirectory: string): number[] {
  return entries
    .filter(({ pid }) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`FLYBALL_RUN_DIRECTORY=${dataDirectory}/run\0`);
      } catch {
        return false; // it has ended in between
      }
    })
    .map(({ pid }) => pid);
}

/** Processes of its replicas. With a space: a runner that waits for its replica is called otherwise. */
export function runnersOf({ dataDirectory }: Pick<Platform, 'dataDirectory'>): number[] {
  const runners = listProcesses().filter(({ command }) => command.includes('flyball runner '));
  return inRunDirectory(runners, dataDirectory);
}

/** The process in which the supervisor runs control or a gateway worker; throws when there is none now. */
export function childPid(platform: Platform, role: 'control' | 'gateway'): number {
  const found = listProcesses().find(
    ({ parent, command }) => parent === platform.process.pid && command.includes(`${role}/process`),
  );
  if (found === undefined) throw new Error(`there is no ${role} process`);
  return found.pid;
}
