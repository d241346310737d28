/**
 * NDJSON files of one gateway worker: `requests-0.ndjson` is written; when it is full it becomes `requests-0.000001.ndjson`,
 * and the oldest go when all together are too large. Only their owner can read them.
 * Invariant: a line is in one file whole; the total is at most the limit and one line.
 */
import { closeSync, fstatSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../store/make-directory.ts';

export interface FileSinkSettings {
  readonly folder: string;
  readonly worker: number;
  readonly fileBytesMax: number;
  readonly totalBytesMax: number;
}

export interface Sink {
  /** Takes whole lines; rejects when they could not be kept. */
  write(lines: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

export function openFileSink({ folder, worker, fileBytesMax, totalBytesMax }: FileSinkSettings): Sink {
  const current = join(folder, `requests-${worker}.ndjson`);
  const pattern = new RegExp(`^requests-${worker}\\.(\\d{6,})\\.ndjson$`);
  let file: number | undefined;
  let size = 0;

  /** Oldest first. By their numbers, not by their times: a wall clock may jump. */
  const closed = (): { readonly number: number; readonly path: string }[] =>
    readdirSync(folder)
      .flatMap((name) => {
        const number = pattern.exec(name)?.[1];
        return number === undefined ? [] : [{ number: Number(number), path: join(folder, name) }];
      })
      .toSorted((a, b) => a.number - b.number);

  function open(): number {
    if (file !== undefined) return file;
    makeDirectory(folder);
    file = openSync(current, 'a', 0o600);
    size = fstatSync(file).size;
    return file;
  }

  function rotate(): void {
    close();
    const others = closed();
    const next = (others.at(-1)?.number ?? 0) + 1;
    renameSync(current, join(folder, `requests-${worker}.${String(next).padStart(6, '0')}.ndjson`));
    const all = closed().map(({ path }) => ({ path, bytes: statSync(path).size }));
    let total = all.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes } of all) {
      // Room for the one that is begun now.
      if (total + fileBytesMax <= totalBytesMax) break;
      rmSync(path, { force: true });
      total -= bytes;
    }
  }

  function close(): void {
    if (file !== undefined) closeSync(file);
    file = undefined;
  }

  return {
    async write(lines) {
      try {
        for (const line of lines.split(/(?<=\n)/)) {
          const bytes = Buffer.from(line);
          open();
          if (size > 0 && size + bytes.byteLength > fileBytesMax) rotate();
          const to = open();
          for (let at = 0; at < bytes.byteLength;) at += writeSync(to, bytes, at);
          size += bytes.byteLength;
        }
      } catch (error) {
        // The next line begins with the file as it is then; half a line of this one is told by its end.
        close();
        throw error;
      }
    },
    close,
  };
}
