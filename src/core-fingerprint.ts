/**
 * Which decision code this process runs: a digest of the modules of `core` as they lie on disk. A rehearsal and the
 * platform that is to be armed by it have run the same code where the two are equal; a version number says less, since
 * what somebody changed in a checkout keeps it.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const length = 12;

/** Of the modules with the extension that this one has: `.ts` in a checkout, `.js` in the package. Twelve hex digits. */
export async function coreFingerprint(
  folder = fileURLToPath(new URL('./core/', import.meta.url)),
  extension = extname(fileURLToPath(import.meta.url)),
): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const modules = entries
    .filter((entry) => entry.isFile() && isModule(entry.name, extension))
    .map(({ parentPath, name }) => join(parentPath, name));
  const files = modules
    .map((path) => ({ path, name: relative(folder, path).split(sep).join('/') }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const hash = createHash('sha256');
  for (const { path, name } of files) {
    const content = createHash('sha256').update(await readFile(path));
    hash.update(`${name} ${content.digest('hex')}\n`);
  }
  return hash.digest('hex').slice(0, length);
}

const isModule = (name: string, extension: string): boolean =>
  name.endsWith(extension) && !/\.(test|d)\.[jt]s$/.test(name);
