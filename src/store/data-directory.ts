/**
 * The data directory of one machine: the store, the artefacts, and a lock that one `flyball up` at a time holds.
 *
 *   flyball.db      the store            lock.db          held open while the supervisor lives
 *   store.json      which PostgreSQL is the store, where it is one; never its password
 *   artefacts/      bytes by digest      supervisor.json  who holds it, for people and for `flyball down`
 *   prepared/       files for faster starts, that may be removed at any time
 *   compiled/       the platform's own code as Node has compiled it, likewise
 *   series/         what was recorded of the load, likewise
 *   run/            Unix sockets, unless the path would be too long for one
 *
 * Invariant: the lock is the kernel's, so it is gone with the process, however that ends; a file alone proves nothing.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteCode, toStoreError } from '../drivers/stores/sqlite-failure.ts';
import { storeSettings, type StoreSettings } from '../config/store-specification.ts';
import { FlyballError } from '../errors.ts';
import { directoryError } from './directory-failure.ts';
import { makeDirectory } from './make-directory.ts';
import { openRunDirectory } from './run-directory.ts';

/** Below this the first model could not be stored, and a half-written log is the likelier end. */
const freeBytesMin = 16 * 1024 * 1024;
const sqliteBusy = 5;
/** Somebody who only asks who holds the lock has it for a moment; that is no reason to refuse a start. */
const lockWaitMs = 250;

/** What the holder of the lock says about itself. */
export interface Announcement {
  readonly pid: number;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly listeners: Readonly<Record<string, { readonly url: string }>>;
  /** Control waits for its turn and answers nobody until then: why. */
  readonly standby?: string;
}

export interface DataDirectory extends AsyncDisposable {
  readonly path: string;
  readonly databasePath: string;
  readonly artefactsPath: string;
  /** Private to this user; a socket in it may have a name of `socketNameBytesMax` bytes. */
  readonly runDirectory: string;
  /** Writes store.json, or removes it, so that what starts without a specification finds the store. */
  rememberStore(settings: StoreSettings): void;
  /** Writes supervisor.json. */
  announce(announcement: Announcement): void;
}

export const databaseFile = 'flyball.db';
export const artefactsFolder = 'artefacts';
/** What can be made anew at any time; no backup holds it. */
export const preparedFolder = 'prepared';
export const compiledFolder = 'compiled';
export const seriesFolder = 'series';
export const logFileName = 'flyball.log';
const lockFile = 'lock.db';
const announcementFile = 'supervisor.json';
const storeFile = 'store.json';

/** Makes the directory where there is none. DATA_DIR_UNUSABLE, DATA_DIR_LOCKED. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const directory = resolve(path);
  try {
    makeDirectory(join(directory, artefactsFolder));
    await checkWritable(directory);
  } catch (error) {
    throw directoryError(directory, error);
  }
  const lock = takeLock(directory, lockWaitMs);
  try {
    const run = await openRunDirectory(directory);
    const announcement = join(directory, announcementFile);
    return {
      path: directory,
      databasePath: join(directory, databaseFile),
      artefactsPath: join(directory, artefactsFolder),
      runDirectory: run.path,
      rememberStore(settings) {
        const remembered = join(directory, storeFile);
        if (settings.kind === 'sqlite') rmSync(remembered, { force: true });
        else replaceFile(remembered, `${JSON.stringify(settings, null, 2)}\n`);
      },
      announce(told) {
        replaceFile(announcement, `${JSON.stringify(told, null, 2)}\n`);
      },
      async [Symbol.asyncDispose]() {
        rmSync(announcement, { force: true });
        await run.remove();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Which store this directory was served with last. */
export function rememberedStore(path: string): StoreSettings {
  let text: string;
  try {
    text = readFileSync(join(path, storeFile), 'utf8');
  } catch {
    return { kind: 'sqlite' };
  }
  try {
    return storeSettings.parse(JSON.parse(text));
  } catch (error) {
    throw new FlyballError('DATA_DIR_UNUSABLE', `${join(path, storeFile)} does not name a store`, { cause: error });
  }
}

/** What the holder announced, also when it is dead by now; undefined when nobody did. */
export function readAnnouncement(path: string): Announcement | undefined {
  try {
    return JSON.parse(readFileSync(join(path, announcementFile), 'utf8')) as Announcement;
  } catch {
    return undefined;
  }
}

/** Whether a live process holds the directory, and which; for `down`, `status` and `doctor`. */
export function holderOf(path: string): { readonly announcement?: Announcement } | undefined {
  const directory = resolve(path);
  // Opening would make the file where there is none.
  if (!existsSync(join(directory, lockFile))) return undefined;
  try {
    takeLock(directory, 0).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof FlyballError) || error.code !== 'DATA_DIR_LOCKED') throw error;
    const announcement = readAnnouncement(directory);
    return announcement === undefined ? {} : { announcement };
  }
}

async function checkWritable(directory: string): Promise<void> {
  const found = await stat(directory);
  if (!found.isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
  const probe = join(directory, `probe-${process.pid}`);
  const file = await open(probe, 'w');
  try {
    await file.writeFile('probe');
    await file.sync();
  } finally {
    await file.close();
    await rm(probe, { force: true });
  }
  const { bavail, bsize, blocks } = await statfs(directory);
  // Some file systems report no size at all; that is not a full disk.
  if (blocks > 0 && bavail * bsize < freeBytesMin) {
    throw Object.assign(new Error(`${bavail * bsize} bytes free, ${freeBytesMin} needed`), { code: 'ENOSPC' });
  }
}

/**
 * SQLite's exclusive lock is an fcntl lock of this process. Such a lock falls when the process closes *any* descriptor
 * of the file, so nothing else here may open lock.db while it is held.
 */
function takeLock(directory: string, waitMs: number): DatabaseSync {
  const path = join(directory, lockFile);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: waitMs });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (sqliteCode(error) !== sqliteBusy) throw toStoreError(error, path);
    throw new FlyballError('DATA_DIR_LOCKED', `${directory} is in use by ${holderInWords(directory)}`, {
      cause: error,
    });
  }
}

function holderInWords(directory: string): string {
  const told = readAnnouncement(directory);
  if (told === undefined) return 'another `flyball up` that is just starting; wait, or name another data directory';
  const control = told.listeners['control']?.url ?? Object.values(told.listeners)[0]?.url;
  const where = control === undefined ? '' : `, ${control}`;
  const since = new Date(told.startedAt).toISOString();
  return `another \`flyball up\` (pid ${told.pid}, since ${since}${where}); \`flyball down\` ends it`;
}
