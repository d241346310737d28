/**
 * What a replica leaves in the run directory: `r-<id>.sock` it listens on, `replica-<id>.json` says which process it
 * is, `replica-<id>.log` holds its output, `replica-<id>.files` is where another server runs for it. The record is written whole or not at all.
 */
import { closeSync, copyFileSync, existsSync, fstatSync, openSync, readSync, rmSync, truncateSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from './process-identity.ts';

export interface ReplicaFile extends ProcessIdentity {
  readonly id: string;
  readonly socket: string;
}

/** Above this a log is moved aside to `.log.1`, so that one replica keeps twice this at most, and a little. */
const logBytesMax = 1_048_576;
const lastWordsBytes = 4096;
const lastWordsLines = 5;

export function replicaFiles(directory: string) {
  const socket = (id: string): string => join(directory, `r-${id}.sock`);
  const record = (id: string): string => join(directory, `replica-${id}.json`);
  const log = (id: string): string => join(directory, `replica-${id}.log`);
  return {
    socket,
    log,
    async write(file: ReplicaFile): Promise<void> {
      const path = record(file.id);
      await writeFile(`${path}.new`, JSON.stringify(file));
      await rename(`${path}.new`, path);
    },
    async readAll(): Promise<readonly ReplicaFile[]> {
      const found: ReplicaFile[] = [];
      for (const name of await readdir(directory)) {
        if (!/^replica-.*\.json$/.test(name)) continue;
        try {
          found.push(JSON.parse(await readFile(join(directory, name), 'utf8')) as ReplicaFile);
        } catch {
          rmSync(join(directory, name), { force: true });
        }
      }
      return found;
    },
    remove(id: string): void {
      for (const path of [socket(id), record(id), log(id), `${log(id)}.1`]) rmSync(path, { force: true });
      rmSync(join(directory, `replica-${id}.files`), { recursive: true, force: true });
    },
    /** Safe under a writer that appends: what it writes next lands at the new end. */
    bound(id: string): void {
      const path = log(id);
      try {
        const handle = openSync(path, 'r');
        const { size } = fstatSync(handle);
        closeSync(handle);
        if (size <= logBytesMax) return;
        copyFileSync(path, `${path}.1`);
        truncateSync(path);
      } catch {
        // The replica and its files have just gone.
      }
    },
    /** The last lines of what it wrote, on one line; empty when it wrote nothing. */
    lastWords(id: string): string {
      const path = log(id);
      if (!existsSync(path)) return '';
      const handle = openSync(path, 'r');
      try {
        const { size } = fstatSync(handle);
        const tail = Buffer.alloc(Math.min(size, lastWordsBytes));
        readSync(handle, tail, 0, tail.length, size - tail.length);
        const lines = tail.toString('utf8').split('\n');
        const told = lines.map((line) => line.trim()).filter((line) => line !== '');
        return told.slice(-lastWordsLines).join(' | ');
      } finally {
        closeSync(handle);
      }
    },
  };
}
