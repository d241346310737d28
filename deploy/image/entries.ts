/** Files and folders of this machine as entries of an archive, with the permissions that they have in the image. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from './tar.ts';

export function textOf(path: string, text: string): Entry {
  return { path, kind: 'file', mode: 0o644, content: Buffer.from(text) };
}

/** What it links to, where it is a link. Executable for all or for nobody, whatever the umask of the machine was. */
export function fileOf(path: string, source: string, mode?: number): Entry {
  const found = statSync(source);
  const executable = (found.mode & 0o100) !== 0;
  return {
    path,
    kind: 'file',
    mode: mode ?? (executable ? 0o755 : 0o644),
    content: { source, bytes: found.size },
  };
}

/** All files below a folder for which `keep` holds; it is asked with the path below the folder. */
export function folderOf(path: string, source: string, keep: (below: string) => boolean = () => true): Entry[] {
  if (!existsSync(source)) throw new Error(`expected the folder ${source}`);
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(source.length + 1))
    .filter(keep)
    .map((below) => fileOf(`${path}/${below}`, join(source, below)));
}
