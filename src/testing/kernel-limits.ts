/** Limits as the kernel has them, and whether any can be made here. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { openCgroups } from '../drivers/orchestrators/cgroups.ts';
import { readGroup } from '../telemetry/host/group.ts';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Cores that a process may use; undefined: all that there are. */
export const coresOf = (pid: number): number | undefined => readGroup(read(`/proc/${pid}/cgroup`) ?? '', read).cores;

/** Likewise of a container of any engine on this machine, whose own numbers of processes are not ours. */
export function coresOfContainer(id: string): number | undefined {
  const groups = readdirSync('/proc').map((entry) => read(`/proc/${entry}/cgroup`) ?? '');
  const own = groups.find((text) => text.includes(id));
  if (own === undefined) throw new Error(`no process of this machine is in a group of container ${id}`);
  return readGroup(own, read).cores;
}

/** Why this machine lets us limit no process; undefined where it does. Tried on one that sleeps. */
export async function limitHindrance(): Promise<string | undefined> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const cgroups = openCgroups();
  const group = `tried-${process.pid}`;
  const limits = await cgroups.apply(group, child.pid ?? 0, { cpu: 1, memoryBytes: 64 * 1_048_576 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await cgroups.remove(group);
  return limits.kind === 'unenforced' ? limits.reason : undefined;
}
