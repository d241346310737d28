/** The seam to secrets that all controls of a platform have: sealed where they are kept, under a key that each machine has. */
export interface SharedSecrets extends AsyncDisposable {
  /**
   * Gives what is kept under this name from now on: what was offered, unless there was another before. Of several that
   * offer at once one wins, for all. SECRET_UNUSABLE where what is there was sealed with another key.
   */
  offer(name: string, secret: Uint8Array): Promise<Uint8Array>;
  /** SECRET_UNUSABLE likewise. */
  find(name: string): Promise<Uint8Array | undefined>;
  /** Whatever was there. */
  replace(name: string, secret: Uint8Array): Promise<void>;
}
