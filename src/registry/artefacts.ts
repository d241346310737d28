/**
 * The artefact store: bytes by their SHA-256, each written once and never changed.
 *
 *   artefacts/sha256/ab/abcdef…   the bytes
 *   artefacts/tmp/…               uploads under way; what a killed process left is removed at the next start
 *
 * Invariant: a file under its digest is whole: it was hashed while it was written, synced, and then renamed.
 */

/** Bytes to keep: a local file, a stream (`digest` announced or not), or what is there already. */
export type ArtefactSource =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'stream'; readonly stream: AsyncIterable<Uint8Array> }
  | { readonly kind: 'digest'; readonly digest: string };

export interface Artefact {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly bytes: number;
}

export interface ArtefactStore {
  /**
   * Idempotent. DIGEST_MISMATCH when `digest` is announced and the bytes have another; TOO_LARGE over the limit;
   * ARTEFACT_NOT_FOUND for a digest that is not there.
   */
  put(source: ArtefactSource, digest?: string, signal?: AbortSignal): Promise<Artefact>;
  /** Size, or undefined when it is not there. */
  find(digest: string): Promise<Artefact | undefined>;
  /** Local path of a whole artefact; ARTEFACT_NOT_FOUND. Never write to it. */
  path(digest: string): Promise<string>;
  /** Hashes it again; DIGEST_MISMATCH when the disk has changed it. */
  verify(digest: string): Promise<void>;
  remove(digest: string): Promise<void>;
  list(): Promise<readonly string[]>;
}
