/**
 * Artefacts that all controls of one platform share: kept as files of this machine as ever (artefacts.ts), and in the
 * store too, so that a control on another machine fetches what it lacks.
 *
 *   put:  the file ──▶ the store, hashed again ──▶ it is said to be there     path:  the file, or the store ──hashed──▶ the file
 *
 * Invariants: what was put is in the store before a version can name it; a file under its digest is whole, wherever it
 * came from.
 */
import { createHash } from 'node:crypto';
import { FlyballError, toFlyballError } from '../errors.ts';
import { artefactPlace, readFrom, type Artefact, type ArtefactStore } from './artefacts.ts';

/** What a store keeps of artefacts. Nothing of it is held in memory but a chunk. */
export interface SharedArtefacts extends AsyncDisposable {
  /**
   * Keeps these bytes in place of what is there under the digest, whole or not at all. DIGEST_MISMATCH when they have
   * another, LEASE_LOST, and what a store throws.
   */
  put(digest: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** As it was put; whether it is whole shows when it is read. */
  find(digest: string): Promise<Artefact | undefined>;
  /** In order. ARTEFACT_NOT_FOUND; DIGEST_MISMATCH when a part is missing. Their digest is the reader's to check. */
  read(digest: string): AsyncIterable<Uint8Array>;
  /** What is gone is no error. */
  remove(digest: string): Promise<void>;
  list(): Promise<readonly string[]>;
}

export interface MovedArtefact extends Artefact {
  /** From the store to this machine, or the other way. */
  readonly kind: 'fetched' | 'shared';
}

export interface SharingOptions {
  readonly onMoved?: (moved: MovedArtefact) => void;
}

/** `local`: the files of this machine. Whoever opened the two closes them. */
export function shareArtefacts(
  local: ArtefactStore,
  shared: SharedArtefacts,
  { onMoved }: SharingOptions = {},
): ArtefactStore {
  const fetching = new Map<string, Promise<string>>();
  const sharing = new Map<string, Promise<boolean>>();
  /** Those whose copy in the store was found to be damaged: they count as not there, so that somebody may bring them again. */
  const damaged = new Map<string, FlyballError>();

  const findShared = async (digest: string): Promise<Artefact | undefined> =>
    damaged.has(digest) ? undefined : shared.find(digest);

  /** True when it was not there before. */
  const shareOnce = async (digest: string, signal?: AbortSignal): Promise<boolean> => {
    if ((await findShared(digest)) !== undefined) return false;
    const stream = readFrom(await local.path(digest));
    await shared.put(digest, stream as AsyncIterable<Uint8Array>, signal);
    damaged.delete(digest);
    onMoved?.({ kind: 'shared', digest, bytes: stream.bytesRead });
    return true;
  };
  /** One after another for the same bytes: whoever comes second finds them there. */
  const share = (digest: string, signal?: AbortSignal): Promise<boolean> => {
    const before = sharing.get(digest) ?? Promise.resolve();
    // Why another failed is told to whoever asked for that.
    const turn = before.catch(() => undefined).then(() => shareOnce(digest, signal));
    const ended = turn.finally(() => {
      if (sharing.get(digest) === ended) sharing.delete(digest);
    });
    sharing.set(digest, ended);
    return ended;
  };

  /** What was thrown while it was read, in words of what to do where its bytes were the reason. */
  const whyNot = (digest: string, error: unknown): unknown => {
    if (toFlyballError(error).code !== 'DIGEST_MISMATCH') return error;
    const help = `bring the same bytes again: PUT /api/v1/artefacts/${digest}`;
    const why = `what the store keeps of ${digest} is damaged; ${help}`;
    const damage = new FlyballError('DIGEST_MISMATCH', why, { cause: error });
    damaged.set(digest, damage);
    return damage;
  };

  const fetch = async (digest: string): Promise<string> => {
    const known = damaged.get(digest);
    if (known !== undefined) throw known;
    if ((await shared.find(digest)) === undefined) return local.path(digest);
    try {
      const { bytes } = await local.put({ kind: 'stream', stream: shared.read(digest) }, digest);
      onMoved?.({ kind: 'fetched', digest, bytes });
    } catch (error) {
      throw whyNot(digest, error);
    }
    return local.path(digest);
  };

  const path = async (digest: string): Promise<string> => {
    if ((await local.find(digest)) !== undefined) return local.path(digest);
    const underWay = fetching.get(digest) ?? fetch(digest).finally(() => fetching.delete(digest));
    fetching.set(digest, underWay);
    return underWay;
  };

  return {
    root: local.root,
    async put(source, announced, signal) {
      if (source.kind === 'digest' && (await local.find(source.digest)) === undefined) {
        const found = await findShared(source.digest);
        if (found !== undefined && (announced ?? source.digest) === source.digest) return { ...found, added: false };
      }
      const { added, ...artefact } = await local.put(source, announced, signal);
      return { ...artefact, added: (await share(artefact.digest, signal)) && added };
    },
    find: async (digest) => (await local.find(digest)) ?? findShared(digest),
    path,
    async place(digest) {
      const known = await local.place(digest).catch(() => undefined);
      if (known !== undefined) return known;
      // Refuses what is no digest, and what nobody has, in the words of the files. Of one that is damaged, `path` tells.
      return (await shared.find(digest)) === undefined ? local.place(digest) : artefactPlace(local.root, digest);
    },
    async verify(digest) {
      if ((await local.find(digest)) !== undefined) await local.verify(digest);
      const hash = createHash('sha256');
      try {
        for await (const chunk of shared.read(digest)) hash.update(chunk);
        const found = `sha256:${hash.digest('hex')}`;
        if (found !== digest) throw new FlyballError('DIGEST_MISMATCH', `its bytes are ${found}`);
      } catch (error) {
        throw whyNot(digest, error);
      }
    },
    async remove(digest) {
      // What fails here is still listed, and removed another time.
      await shared.remove(digest);
      await local.remove(digest);
      damaged.delete(digest);
    },
    list: async () => [...new Set([...(await local.list()), ...(await shared.list())])],
  };
}
