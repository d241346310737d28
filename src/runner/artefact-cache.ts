/**
 * Artefacts on a node that is not control's: fetched once from one of control's doors, hashed while they are written, and
 * kept for the next task of this node. Several tasks share the folder without knowing of each other.
 *
 *   sha256/abcdef…        whole, and what it says; its time is that of its last use
 *   sha256/abcdef….part   on its way; whoever makes the file fetches it, the others wait for them
 *
 * Invariant: a file under its digest was hashed before it got that name.
 */
import { createHash } from 'node:crypto';
import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlyballError } from '../errors.ts';
import { makeDirectory } from '../store/make-directory.ts';
import { callOptions, type PeerIdentity } from '../tls/peer.ts';

export interface ArtefactCache {
  /** Local path of the whole artefact. ARTEFACT_NOT_FOUND, DIGEST_MISMATCH, DATA_DIR_UNUSABLE, or what kept every door from answering. */
  path(digest: string): Promise<string>;
}

export interface ArtefactCacheOptions {
  readonly doors: readonly string[];
  readonly identity: PeerIdentity;
  /** Of whole artefacts; the least recently used go first. 32 GiB by default. */
  readonly bytesMax?: number;
  /** Before the second round of doors, twice as long before the third; 500 by default. */
  readonly retryMs?: number;
}

const bytesMaxDefault = 32 * 1024 ** 3;
const partSuffix = '.part';
const lookEveryMs = 100;
/** Whoever fetched it is dead when the part has not grown for so long. */
const stuckMs = 15_000;
const silentMs = 15_000;
const attempts = 4;
const retryMsDefault = 500;

export async function openArtefactCache(folder: string, options: ArtefactCacheOptions): Promise<ArtefactCache> {
  const { doors, identity, bytesMax = bytesMaxDefault, retryMs = retryMsDefault } = options;
  const root = join(folder, 'sha256');
  makeDirectory(root);

  async function fetchOnce(door: string, digest: string, part: string): Promise<void> {
    const file = await open(part, 'w', 0o644);
    try {
      const hash = createHash('sha256');
      for await (const chunk of await get(new URL(`/artefacts/${digest}`, door), identity)) {
        hash.update(chunk);
        // Not `write`, which on a disk that is nearly full writes a part and says so to nobody who does not ask.
        await file.writeFile(chunk);
      }
      const got = `sha256:${hash.digest('hex')}`;
      if (got !== digest) {
        throw new FlyballError('DIGEST_MISMATCH', `expected ${digest} from ${door}, got bytes of ${got}`);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async function fetchFromAny(digest: string, part: string): Promise<void> {
    let last: unknown;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      for (const door of doors) {
        try {
          await fetchOnce(door, digest, part);
          return;
        } catch (error) {
          last = error;
          if (error instanceof FlyballError && error.code === 'ARTEFACT_NOT_FOUND') throw error;
          // No other door makes room on this node.
          if (isOfDisk(error)) throw new FlyballError('DATA_DIR_UNUSABLE', diskWords(digest, error), { cause: error });
        }
      }
      await sleep(retryMs * 2 ** attempt);
    }
    const why = last instanceof Error ? last.message : 'there is no door';
    throw new FlyballError('ARTEFACT_NOT_FOUND', `${digest} could not be fetched from ${doors.join(', ')}: ${why}`, {
      cause: last,
    });
  }

  /** True when somebody else has left it whole; false when they have given up, or are dead. */
  async function othersFetch(path: string, part: string): Promise<boolean> {
    let grew = Date.now();
    let size = -1;
    for (;;) {
      await sleep(lookEveryMs);
      if (await exists(path)) return true;
      const found = await stat(part).catch(() => undefined);
      if (found === undefined) return false;
      if (found.size !== size) [size, grew] = [found.size, Date.now()];
      if (Date.now() - grew > stuckMs) {
        await rm(part, { force: true });
        return false;
      }
    }
  }

  async function makeRoom(): Promise<void> {
    const names = (await readdir(root)).filter((name) => !name.endsWith(partSuffix));
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(root, name);
        const found = await stat(path).catch(() => undefined);
        return { path, bytes: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
      }),
    );
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes } of files.toSorted((left, right) => left.used - right.used)) {
      if (total <= bytesMax) return;
      // Whoever has it open keeps it until they close it.
      await rm(path, { force: true });
      total -= bytes;
    }
  }

  return {
    async path(digest) {
      const path = join(root, digest.slice('sha256:'.length));
      const part = `${path}${partSuffix}`;
      for (;;) {
        if (await exists(path)) {
          const now = new Date();
          await utimes(path, now, now).catch(() => {});
          return path;
        }
        const mine = await open(part, 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return undefined;
          throw error;
        });
        if (mine === undefined) {
          await othersFetch(path, part);
          continue;
        }
        await mine.close();
        try {
          await fetchFromAny(digest, part);
          await rename(part, path);
          await makeRoom();
        } catch (error) {
          await rm(part, { force: true });
          throw error;
        }
        return path;
      }
    },
  };
}

const isOfDisk = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '');

function diskWords(digest: string, { code, message }: NodeJS.ErrnoException): string {
  const what = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk has no room for' : 'the disk does not take';
  return `${what} the artefact ${digest.slice(0, 19)}…: ${message}`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function get(url: URL, identity: PeerIdentity): Promise<AsyncIterable<Uint8Array>> {
  const { promise, resolve, reject } = Promise.withResolvers<AsyncIterable<Uint8Array>>();
  const request = https.get(url, { ...callOptions(identity, 'control'), timeout: silentMs }, (response) => {
    if (response.statusCode === 200) {
      resolve(response);
      return;
    }
    response.resume();
    const code = response.statusCode === 404 ? 'ARTEFACT_NOT_FOUND' : 'INTERNAL';
    reject(new FlyballError(code, `${url.origin} answered ${response.statusCode} for ${url.pathname}`));
  });
  request.on('timeout', () => request.destroy(new Error(`${url.origin} said nothing for ${silentMs} ms`)));
  request.on('error', reject);
  return promise;
}
