/**
 * What is kept of a testbed beside its nodes' disks: its settings, who opened it, and a lock. Everything else is read
 * from the kernel, so that a record that is wrong or missing does no harm.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { sleep } from './commands.ts';
import { stateRoot, type TestbedNames } from './names.ts';
import type { TestbedSettings } from './settings.ts';

/** A process, told from a later one of the same number by the tick at which it started. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedTicks: number;
}

export interface TestbedRecord {
  readonly settings: TestbedSettings;
  /** The process whose end is the testbed's; null for one that stays until it is taken down. */
  readonly owner: ProcessIdentity | null;
}

export function readRecord({ folder }: TestbedNames): TestbedRecord | undefined {
  try {
    return JSON.parse(readFileSync(`${folder}/testbed.json`, 'utf8')) as TestbedRecord;
  } catch {
    return undefined; // there is none, or its writing was broken off
  }
}

export function writeRecord({ folder }: TestbedNames, record: TestbedRecord): void {
  mkdirSync(folder, { recursive: true });
  const partial = `${folder}/testbed.json.partial`;
  writeFileSync(partial, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(partial, `${folder}/testbed.json`);
}

/** Names of all testbeds that have left a folder. */
export function listTestbeds(): readonly string[] {
  try {
    return readdirSync(stateRoot, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Undefined when there is no such process. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The 22nd field; the second is the program's name, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : { pid, startedTicks: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

export const isRunning = ({ pid, startedTicks }: ProcessIdentity): boolean =>
  identify(pid)?.startedTicks === startedTicks;

const lockMs = 120_000;

/** One process at a time makes or takes down a testbed; the lock of a process that has died counts for nothing. */
export async function lockTestbed({ name }: TestbedNames): Promise<Disposable> {
  const path = `${stateRoot}/${name}.lock`;
  const own = JSON.stringify(identify(process.pid));
  const end = performance.now() + lockMs;
  for (;;) {
    mkdirSync(stateRoot, { recursive: true });
    try {
      writeFileSync(path, own, { flag: 'wx' });
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // ENOENT: another testbed, going down, has taken away the folder that was empty for a moment.
      if (code !== 'EEXIST' && code !== 'ENOENT') throw error;
    }
    const holder = readHolder(path);
    if (holder === 'nobody') rmSync(path, { force: true });
    else if (performance.now() > end)
      throw new Error(
        `testbed ${name} is being changed by process ${holder?.pid ?? '?'}, for longer than ${lockMs} ms`,
      );
    else await sleep(25);
  }
}

/** Undefined while it is being written, or has just been given back. */
function readHolder(path: string): ProcessIdentity | 'nobody' | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
    return isRunning(holder) ? holder : 'nobody';
  } catch {
    return undefined;
  }
}
