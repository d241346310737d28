/**
 * Real clients and servers in Python, from the environments that `test/clients/install.sh` makes. On a machine without
 * them a test that needs one is skipped and says how to get it; where CI says so it fails instead.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const root = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'flyball-test', 'python');

/** The interpreter of a set; undefined with why it is skipped where it is not installed. */
export function findPython(set: string): { readonly path: string; readonly skip: string | false } {
  const path = join(root, set, 'bin', 'python');
  const isThere = existsSync(join(root, set, 'installed'));
  if (!isThere && process.env['CI'] === 'true') throw new Error(`${path} is not there: test/clients/install.sh ${set}`);
  return { path, skip: isThere ? false : `not installed: test/clients/install.sh ${set}` };
}
