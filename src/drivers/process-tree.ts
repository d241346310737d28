/**
 * A process with all that it has started and that still runs under it, from /proc. Where there is none (macOS), a process
 * alone. What has left its parent (a daemon) is not in the tree.
 */
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

/** Enough for any server; a fork bomb must not keep us. */
const processesMax = 1024;
const pageBytes = 4096;
const ticksPerSecond = 100;

/** The process first. */
export function processTree(pid: number): readonly number[] {
  const tree = [pid];
  for (let index = 0; index < tree.length && tree.length < processesMax; index += 1) {
    const each = tree[index] as number;
    // The kernel lists the children of the thread that started them; nearly all are the first thread's.
    tree.push(...read(`/proc/${each}/task/${each}/children`).split(' ').filter(Boolean).map(Number));
  }
  return tree;
}

/** Memory that they share is counted for each of them. */
export function treeUsage(pid: number): ProcessUsage {
  let residentBytes = 0;
  let cpuSeconds = 0;
  for (const each of processTree(pid)) {
    residentBytes += Number(read(`/proc/${each}/statm`).split(' ')[1] ?? 0) * pageBytes;
    const stat = read(`/proc/${each}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // utime and stime of it, and of the children that it has waited for.
    for (const field of [11, 12, 13, 14]) cpuSeconds += Number(fields[field] ?? 0) / ticksPerSecond;
  }
  return { residentBytes, cpuSeconds };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has ended in between
  }
}
