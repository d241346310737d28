/**
 * Makes a directory and what is missing above it. Not `mkdir` with `recursive`: where the file system itself says
 * "no such file" for a new entry (below /proc, a broken automount), Node 24 goes up and down for ever at full speed.
 * Invariant: it climbs at most to the root and comes down once, so that it always ends.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Only for whoever runs the platform, unless told otherwise. */
const privateMode = 0o700;

/** A directory that is there is no error; a file in its place is EEXIST, a file above it ENOTDIR. */
export function makeDirectory(path: string, mode: number = privateMode): void {
  try {
    mkdirSync(path, { mode });
    return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path || isDirectory(above)) {
      // Some file systems answer EROFS or EACCES rather than EEXIST for what is there.
      if (isDirectory(path)) return;
      throw error;
    }
    makeDirectory(above, mode);
  }
  makeDirectoryIn(path, mode);
}

/** Everything above is there now: whatever is said this time is final, unless somebody else has just made it. */
function makeDirectoryIn(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
