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

/** The process in which the supervisor runs control or a gateway worker; throws when there is none now. */
/** Processes of its replicas. With a space: a runner that waits for its replica is called otherwise. */
export function runnersOf({ dataDirectory }: Platform): number[] {
  return listProcesses()
    .filter(({ pid, command }) => {
      if (!command.includes('flyball runner ')) return false;
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`FLYBALL_RUN_DIRECTORY=${dataDirectory}/run`);
      } catch {
        return false;
      }
    })
    .map(({ pid }) => pid);
}

export function childPid(platform: Platform, role: 'control' | 'gateway'): number {
  const found = listProcesses().find(
    ({ parent, command }) => parent === platform.process.pid && command.includes(`${role}/process`),
  );
  if (found === undefined) throw new Error(`there is no ${role} process`);
  return found.pid;
}
