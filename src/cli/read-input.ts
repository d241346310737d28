/** A file, or stdin for `-`, up to a limit. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FlyballError } from '../errors.ts';
import { UsageError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** What the gateway takes by default (`limits.bodyBytesMax`) is less; this only keeps a mistake from filling memory. */
const inputBytesMax = 1024 * 1024 * 1024;

export async function readInput(path: string, terminal: Terminal): Promise<Uint8Array> {
  if (path !== '-') {
    const full = resolve(terminal.cwd, path);
    const found = await stat(full).catch(() => {
      throw new UsageError(`there is no file ${path} in ${terminal.cwd}`, 'name another file, or - to read stdin');
    });
    if (!found.isFile()) throw new UsageError(`${path} is a folder, not a file`);
    if (found.size > inputBytesMax) throw tooLarge(found.size);
    return await readFile(full);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of terminal.stdin) {
    size += chunk.length;
    if (size > inputBytesMax) throw tooLarge(size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(size: number): FlyballError {
  return new FlyballError('TOO_LARGE', `an input has at most ${inputBytesMax} bytes, got ${size} or more`);
}
