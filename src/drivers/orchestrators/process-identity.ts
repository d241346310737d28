/**
 * Which process is which, in the face of pid reuse: a pid together with its start time from /proc/<pid>/stat names one
 * process for ever. Where there is no /proc (macOS) the pid alone has to do.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot; absent where the system does not say. */
  readonly startTicks?: number;
}

interface ProcessStat {
  readonly state: string;
  readonly startTicks: number;
}

/** Undefined when there is no such process or no /proc. */
function statOf(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the command in brackets and may itself hold brackets and spaces; the rest follows the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '?', startTicks: Number(fields[19]) };
}

export function identify(pid: number): ProcessIdentity {
  const stat = statOf(pid);
  return stat === undefined ? { pid } : { pid, startTicks: stat.startTicks };
}

/** A zombie has ended, only nobody has asked how. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.startTicks !== undefined) {
    const stat = statOf(identity.pid);
    return stat !== undefined && stat.startTicks === identity.startTicks && stat.state !== 'Z' && stat.state !== 'X';
  }
  try {
    process.kill(identity.pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Signals it if it is still the same process; `group` reaches what it has started too. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals, group = false): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(group ? -identity.pid : identity.pid, signal);
  } catch {
    // It ended in between, which is what was wanted.
  }
}

/**
 * Live processes of this user that were started with these variables in their environment (undefined: whatever the value). The environment and not the
 * command line, because a process that gives itself a title overwrites that.
 */
export function* processesWith(variables: {
  readonly [name: string]: string | undefined;
}): Generator<{ readonly pid: number; readonly environment: ReadonlyMap<string, string> }> {
  let entries: readonly string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    let text: string;
    try {
      text = readFileSync(`/proc/${entry}/environ`, 'utf8');
    } catch {
      // Ended while we looked, or somebody else's.
      continue;
    }
    const environment = new Map(
      text.split('\0').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    const fits = Object.entries(variables).every(([name, value]) =>
      value === undefined ? environment.has(name) : environment.get(name) === value,
    );
    if (fits) yield { pid: Number(entry), environment };
  }
}
