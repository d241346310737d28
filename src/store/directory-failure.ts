/** A folder that cannot be used, in words: path, cause, and what to do. */
import { FlyballError } from '../errors.ts';

const help: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there; give it the right, or name another data directory',
  EPERM: 'this user may not write there; give it the right, or name another data directory',
  EROFS: 'the file system is read-only; name another data directory',
  ENOSPC: 'the disk is full; make room, or name another data directory',
  EDQUOT: "this user's quota is used up; make room, or name another data directory",
  ENOTDIR: 'it, or a part of its path, is a file; name a directory',
  EEXIST: 'it, or a part of its path, is a file; name a directory',
  ENOENT: 'a part of its path is not there and cannot be made; name another data directory',
  ENAMETOOLONG: 'the path is too long; name a shorter one',
  EIO: 'the disk failed to read or write; look at the disk',
};

export function directoryError(path: string, error: unknown): FlyballError {
  if (error instanceof FlyballError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words = error instanceof Error ? error.message : String(error);
  const cause = help[code] ?? 'it cannot be used';
  return new FlyballError('DATA_DIR_UNUSABLE', `${path}: ${cause} (${words})`, { cause: error });
}
