/** SQLite's failures in the words of the catalogue: path, cause, and what to do. Anything else passes unchanged. */
import { FlyballError } from '../../errors.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html) that mean trouble with the file, and what helps. */
const fileTrouble: Readonly<Record<number, string>> = {
  3: 'access is denied; give this user the right to write there',
  5: 'another process holds it; end that one, or wait until it is done',
  8: 'it may only be read; give this user the right to write there',
  10: 'the disk failed to read or write; look at the disk, then start again',
  11: 'it is damaged; restore a backup',
  13: 'the disk is full; make room, then start again',
  14: 'it cannot be opened; see that the folder is there and may be written by this user',
  26: 'it is not a database, or is damaged; restore a backup, or name another data directory',
};

export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

export function toStoreError(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  const help = code === undefined ? undefined : fileTrouble[code];
  if (help === undefined || !(error instanceof Error)) return error;
  return new FlyballError('DATA_DIR_UNUSABLE', `${path}: ${help} (${error.message})`, { cause: error });
}
