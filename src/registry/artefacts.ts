/**
 * The artefact store: bytes by their SHA-256, each written once and never changed.
 *
 *   artefacts/sha256/ab/abcdef…   the bytes
 *   artefacts/tmp/…               uploads under way; what a killed process left is removed at the next start
 *
 * Invariant: a file under its digest is whole: it was hashed while it was written, synced, and then renamed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlyballError } from '../errors.ts';
import { directoryError } from '../store/directory-failure.ts';
import { makeDirectory } from '../store/make-directory.ts';
import { digestOfFile, isDigest } from './digest.ts';

/** Bytes to keep: a local file, a stream, or what is there already. */
export type ArtefactSource =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'stream'; readonly stream: AsyncIterable<Uint8Array> }
  | { readonly kind: 'digest'; readonly digest: string };

export interface Artefact {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly bytes: number;
}

export interface PutArtefact extends Artefact {
  /** False when the bytes were there already. */
  readonly added: boolean;
}

export interface ArtefactStore {
  /** Its folder on this machine. */
  readonly root: string;
  /**
   * Idempotent. DIGEST_MISMATCH when `digest` is announced and the bytes have another; TOO_LARGE over the limit;
   * ARTEFACT_NOT_FOUND for a digest that is not there.
   */
  put(source: ArtefactSource, digest?: string, signal?: AbortSignal): Promise<PutArtefact>;
  /** Size, or undefined when it is not there. */
  find(digest: string): Promise<Artefact | undefined>;
  /** Local path of a whole artefact, fetched first where it is kept elsewhere; ARTEFACT_NOT_FOUND. Never write to it. */
  path(digest: string): Promise<string>;
  /** Where `path` will have it: nothing need be there yet. ARTEFACT_NOT_FOUND where nobody has it. */
  place(digest: string): Promise<string>;
  /** Hashes it again; DIGEST_MISMATCH when the disk has changed it. */
  verify(digest: string): Promise<void>;
  remove(digest: string): Promise<void>;
  list(): Promise<readonly string[]>;
}

export interface ArtefactStoreOptions {
  /** Size of one artefact; 16 GiB by default. */
  readonly bytesMax?: number;
}

const bytesMaxDefault = 16 * 1024 ** 3;
const keptFolder = 'sha256';

/** Where a store with this root has it. INVALID_NAME. */
export function artefactPlace(root: string, digest: string): string {
  // Digests become paths: nothing but a digest may.
  if (!isDigest(digest)) {
    throw new FlyballError('INVALID_NAME', `expected sha256: and 64 hexadecimal digits, got ${digest}`);
  }
  return join(root, keptFolder, digest.slice(7, 9), digest.slice(7));
}

/** `root` is the folder `artefacts`. One process at a time may have it open: unfinished uploads are removed. */
export async function openArtefactStore(root: string, options: ArtefactStoreOptions = {}): Promise<ArtefactStore> {
  const bytesMax = options.bytesMax ?? bytesMaxDefault;
  const kept = join(root, keptFolder);
  const unfinished = join(root, 'tmp');
  try {
    await rm(unfinished, { recursive: true, force: true });
    makeDirectory(unfinished);
    makeDirectory(kept);
  } catch (error) {
    throw directoryError(root, error);
  }

  const folderOf = (digest: string): string => dirname(placeOf(digest));
  const placeOf = (digest: string): string => artefactPlace(root, digest);

  const find = async (digest: string): Promise<Artefact | undefined> => {
    const found = await stat(placeOf(digest)).catch(() => undefined);
    return found === undefined ? undefined : { digest, bytes: found.size };
  };

  const require = async (digest: string): Promise<Artefact> => {
    const found = await find(digest);
    if (found === undefined) throw new FlyballError('ARTEFACT_NOT_FOUND', `there is no artefact ${digest}`);
    return found;
  };

  /** Writes, hashes and syncs a temporary file. */
  const write = async (path: string, stream: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Artefact> => {
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of stream) {
        signal?.throwIfAborted();
        bytes += chunk.byteLength;
        if (bytes > bytesMax) {
          throw new FlyballError('TOO_LARGE', `an artefact may have ${bytesMax} bytes, this one goes on`);
        }
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      signal?.throwIfAborted();
      await file.sync();
    } finally {
      await file.close();
    }
    return { digest: `sha256:${hash.digest('hex')}`, bytes };
  };

  const keep = async (temporary: string, digest: string): Promise<boolean> => {
    const place = placeOf(digest);
    if ((await find(digest)) !== undefined) return false;
    makeDirectory(folderOf(digest));
    await rename(temporary, place);
    // The name is durable only when the folders that hold it are.
    await syncFolder(folderOf(digest));
    await syncFolder(kept);
    return true;
  };

  const path = async (digest: string): Promise<string> => {
    await require(digest);
    return placeOf(digest);
  };

  return {
    root,
    async put(source, announced, signal) {
      if (announced !== undefined) placeOf(announced);
      if (source.kind === 'digest') {
        checkDigest(announced, source.digest);
        return { ...(await require(source.digest)), added: false };
      }
      const stream = source.kind === 'path' ? readFrom(source.path) : source.stream;
      const temporary = join(unfinished, randomUUID());
      try {
        const artefact = await write(temporary, stream as AsyncIterable<Uint8Array>, signal);
        checkDigest(announced, artefact.digest);
        return { ...artefact, added: await keep(temporary, artefact.digest) };
      } catch (error) {
        if (source.kind === 'path' && isMissing(error)) {
          throw new FlyballError('ARTEFACT_NOT_FOUND', `there is no file ${source.path}`, { cause: error });
        }
        if (isDiskTrouble(error, root)) throw directoryError(root, error);
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    find,
    path,
    place: path,
    async verify(digest) {
      await require(digest);
      checkDigest(digest, await digestOfFile(placeOf(digest)));
    },
    remove: (digest) => rm(placeOf(digest), { force: true }),
    async list() {
      const entries = await readdir(kept, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => `sha256:${name}`);
    },
  };
}

/** Its failure is thrown where it is read. Until then nobody listens, and a failure without a listener ends the process. */
export function readFrom(path: string): ReadStream {
  const stream = createReadStream(path);
  stream.on('error', () => {});
  return stream;
}

function checkDigest(announced: string | undefined, found: string): void {
  if (announced === undefined || announced === found) return;
  throw new FlyballError('DIGEST_MISMATCH', `the bytes were announced as ${announced}, but they are ${found}`);
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
const isDiskTrouble = (error: unknown, root: string): boolean =>
  ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes(codeOf(error)) ||
  // Our own folder cannot be written to any more, or is gone.
  (error instanceof Error && 'path' in error && String(error.path).startsWith(root));

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
