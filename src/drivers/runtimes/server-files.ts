/** What a server's command finds when it starts: its files in a folder of its own, and how many threads it may use. */
import { constants } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readVerified } from '../../verified-file.ts';

/**
 * `files`: name that the command knows it by → where it is. Copies, not links: what a server writes into its files must
 * not change the version for everybody else.
 */
export async function layOut(
  files: Readonly<Record<string, string>>,
  folder: string,
  digests: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, path] of Object.entries(files)) {
    const place = join(folder, name);
    await mkdir(dirname(place), { recursive: true });
    const digest = digests?.[path];
    // The copy is made of the bytes that were checked; nobody but this user can change it before the command reads it.
    if (digest !== undefined) await writeFile(place, await readVerified(path, digest), { mode: 0o600 });
    else await copyFile(path, place, constants.COPYFILE_FICLONE);
  }
}

/** What numeric libraries read. The command's own `env` comes after it. */
export function threadVariables(threads: number | undefined): Record<string, string> {
  if (threads === undefined) return {};
  const names = ['FLYBALL_THREADS', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'];
  return Object.fromEntries(names.map((name) => [name, String(threads)]));
}
