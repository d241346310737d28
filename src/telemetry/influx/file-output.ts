/**
 * Lines appended to a file that is put aside when it is large: `path`, then `path.1`, `path.2` …, of which the oldest
 * goes. Invariants: a batch is in it whole or not at all, whatever the disk says; nothing that was there before is
 * changed; never more than `filesMax` files, none larger than `fileBytesMax` unless one batch is.
 */
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import type { InfluxSettingsOf } from '../../config/telemetry-specification.ts';
import { toBytes } from '../../config/specification.ts';
import type { Outcome } from '../sinks/delivery.ts';

export async function appendToFile(
  { path, fileBytesMax, filesMax }: InfluxSettingsOf<'file'>,
  lines: readonly string[],
): Promise<Outcome> {
  try {
    const body = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true && found.size > 0 && found.size + body.length > toBytes(fileBytesMax)) {
      await rotate(path, filesMax);
    }
    // Opened for each batch: who moves the file away, as log rotation does, gets a new one.
    await using file = await open(path, 'a+');
    await append(file, body);
    return { kind: 'accepted' };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { kind: 'failed', why: `${path} could not be written (${code})` };
  }
}

async function append(file: FileHandle, body: Buffer): Promise<void> {
  const found = await file.stat();
  const size = found.isFile() ? found.size : 0;
  try {
    // Who was killed in the middle of a line has left half of one: that is one line for nobody, and not two.
    if (size > 0 && !(await endsLine(file, size))) await file.appendFile('\n');
    await file.appendFile(body);
  } catch (error) {
    // A disk that was full in the middle: the batch comes again whole.
    if (found.isFile()) await file.truncate(size).catch(() => {});
    throw error;
  }
}

async function endsLine(file: FileHandle, size: number): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 0 || buffer[0] === 0x0a;
}

async function rotate(path: string, filesMax: number): Promise<void> {
  await rm(nameOf(path, filesMax - 1), { force: true });
  for (let index = filesMax - 1; index > 0; index -= 1) {
    await rename(nameOf(path, index - 1), nameOf(path, index)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

const nameOf = (path: string, index: number): string => (index === 0 ? path : `${path}.${index}`);
