/** Processor time of processes, from /proc: what serving costs besides the caller. */
import { readFileSync } from 'node:fs';

/** Ticks a second of the kernel's accounting; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Seconds of user and system time of all these processes together. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and parentheses: the fields begin after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}
