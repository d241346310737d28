/**
 * Where the sockets of one data directory live. A Unix socket's path has at most 107 bytes on Linux and 103 on macOS,
 * so a deep data directory gets a folder of its own in the temporary one, always the same for the same directory.
 * Invariant: the folder belongs to this user alone; a folder that somebody else has put there is refused.
 */
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlyballError } from '../errors.ts';
import { directoryError } from './directory-failure.ts';

/** Bytes that the name of a socket in the run directory may have. */
export const socketNameBytesMax = 48;
/** Of control's API for the processes of the platform; who can open it is this user. */
export const apiSocketFile = 'api.sock';
export const socketPathBytesMax = process.platform === 'linux' ? 107 : 103;

const fits = (folder: string): boolean => Buffer.byteLength(folder) + 1 + socketNameBytesMax <= socketPathBytesMax;

/** The first of the candidates that is short enough. */
export function chooseRunDirectory(dataDirectory: string, temporary: string = tmpdir()): string {
  const hash = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 12);
  const own = `flyball-${process.getuid?.() ?? 0}-${hash}`;
  const candidates = [join(dataDirectory, 'run'), join(temporary, own), join('/tmp', own)];
  const found = candidates.find(fits);
  if (found === undefined) {
    throw new FlyballError(
      'DATA_DIR_UNUSABLE',
      `no folder for sockets has a short enough path (${socketPathBytesMax - socketNameBytesMax - 1} bytes); tried ${candidates.join(', ')}`,
    );
  }
  return found;
}

export async function openRunDirectory(
  dataDirectory: string,
  temporary?: string,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = chooseRunDirectory(dataDirectory, temporary);
  try {
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const found = await lstat(path);
    if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) {
      throw new FlyballError('DATA_DIR_UNUSABLE', `${path} belongs to somebody else; remove it, sockets go there`);
    }
    await chmod(path, 0o700);
  } catch (error) {
    throw directoryError(path, error);
  }
  // What is still in it belongs to processes that are still going; then it stays.
  return { path, remove: () => rmdir(path).catch(() => undefined) };
}
