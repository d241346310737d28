/**
 * Backup and restore of a data directory, which is to say of the SQLite store and the artefact folder together (of
 * PostgreSQL, which has both, its own tools make them). A backup may be made while the platform runs.
 *
 *   flyball.db   artefacts/sha256/…   backup.json (written last: a folder without it is half a backup)
 *
 * Invariant: every artefact that the copied store names is in the copy.
 */
import { copyFile, link, open, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toStoreError } from '../drivers/stores/sqlite-failure.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { FlyballError } from '../errors.ts';
import { digestOfFile } from '../registry/digest.ts';
import { artefactsFolder, databaseFile, openDataDirectory, rememberedStore } from './data-directory.ts';
import { directoryError } from './directory-failure.ts';
import { makeDirectory } from './make-directory.ts';

const manifestFile = 'backup.json';

export interface BackupReport {
  readonly path: string;
  readonly versions: number;
  readonly artefacts: number;
}

/** Artefacts become hard links on the same disk, copies elsewhere; keep backups on another disk. `at`: Unix ms. */
export async function backupDataDirectory(from: string, toFolder: string, at: number): Promise<BackupReport> {
  const source = resolve(from);
  const target = resolve(toFolder);
  requireSqlite(source);
  await requireFile(join(source, databaseFile), `${source} holds no store to back up`);
  await requireEmpty(target, 'back up into');
  // Twice: what was added before the store was copied is on the disk by then, what was removed since was linked before.
  await linkArtefacts(source, target);
  await copyDatabase(join(source, databaseFile), join(target, databaseFile));
  await forgetSignIns(target);
  await linkArtefacts(source, target);
  const report = await check(target);
  await writeFile(join(target, manifestFile), `${JSON.stringify({ at, from: source, ...report }, null, 2)}\n`);
  return report;
}

/** Refuses a target that holds anything. Checks the backup by opening it, which also brings an older one forward. */
export async function restoreDataDirectory(fromBackup: string, to: string): Promise<BackupReport> {
  const source = resolve(fromBackup);
  const target = resolve(to);
  await requireFile(join(source, manifestFile), `${source} is not a whole backup: it has no ${manifestFile}`);
  await requireEmpty(target, 'restore into');
  await using _held = await openDataDirectory(target);
  await linkArtefacts(source, target);
  await copyDatabase(join(source, databaseFile), join(target, databaseFile));
  // Awaited here: the directory is held until the check is over, and what the check finds is heard.
  return await check(target);
}

/** What lies here is a copy of what is in the database. */
function requireSqlite(source: string): void {
  const settings = rememberedStore(source);
  if (settings.kind === 'sqlite') return;
  throw new FlyballError(
    'NOT_IMPLEMENTED',
    `the store of ${source} is ${settings.url}, which its own tools back up, models included: pg_dump --schema=${settings.schema} (docs/store.md)`,
  );
}

async function requireFile(path: string, otherwise: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    throw new FlyballError('DATA_DIR_UNUSABLE', otherwise, { cause: error });
  }
}

async function requireEmpty(folder: string, what: string): Promise<void> {
  try {
    makeDirectory(folder);
  } catch (error) {
    throw directoryError(folder, error);
  }
  const [first] = await readdir(folder);
  if (first !== undefined) {
    throw new FlyballError('CONFLICT', `expected an empty folder to ${what}, but ${folder} holds ${first}`);
  }
}

/** One consistent state, also of a store that is being written to; without its log. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const database = new DatabaseSync(from, { timeout: 5000 });
  try {
    database.prepare('VACUUM INTO ?').run(to);
  } catch (error) {
    throw toStoreError(error, to);
  } finally {
    database.close();
  }
  const copy = await open(to, 'r+');
  try {
    await copy.sync();
  } finally {
    await copy.close();
  }
}

/** Who has signed out since then would be signed in again where the backup is restored. */
async function forgetSignIns(folder: string): Promise<void> {
  await using store = openSqliteStore(join(folder, databaseFile));
  await store.pruneSignIns(Number.MAX_SAFE_INTEGER);
}

async function linkArtefacts(from: string, to: string): Promise<void> {
  const root = join(from, artefactsFolder, 'sha256');
  const names = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(to, artefactsFolder, 'sha256', entry.name.slice(0, 2), entry.name);
    makeDirectory(dirname(target));
    await linkOrCopy(source, target);
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: removed from the registry between being listed and being linked.
    if (code === 'EEXIST' || code === 'ENOENT') return;
    await copyFile(source, target);
  }
}

async function check(folder: string): Promise<BackupReport> {
  await using store = openSqliteStore(join(folder, databaseFile));
  const versions = await store.versions();
  const digests = new Set(versions.flatMap(({ file, assets }) => [...(file ? [file] : []), ...Object.values(assets)]));
  for (const digest of digests) {
    const hash = digest.replace('sha256:', '');
    const found = await digestOfFile(join(folder, artefactsFolder, 'sha256', hash.slice(0, 2), hash)).catch(
      (cause: unknown) => {
        throw new FlyballError('ARTEFACT_NOT_FOUND', `${folder} lacks ${digest}, which the store names`, { cause });
      },
    );
    if (found !== digest)
      throw new FlyballError('DIGEST_MISMATCH', `${folder}: what should be ${digest} has the bytes of ${found}`);
  }
  return { path: folder, versions: versions.length, artefacts: digests.size };
}
