/**
 * The seam to what says which of several controls may act: a lease that is held by one for a time, and a token that grows
 * each time it is taken. The database's own clock decides when one has run out; the holder counts its time by its own
 * clock from before it asked, and stops well before. Should it act on nevertheless, having been stopped or cut off, the
 * token is what a store refuses it by.
 */

/** Letters, digits, - and _. */
export const controlLease = 'control';

export interface Fence {
  readonly name: string;
  readonly token: number;
}

export interface LeaseView {
  readonly token: number;
  /** Who took it last, in words for people. */
  readonly holder: string;
  /** What is left of it by the database's clock, milliseconds; 0 or less: anybody may take it. */
  readonly leftMs: number;
}

export type Acquisition =
  | { readonly kind: 'held'; readonly token: number }
  | { readonly kind: 'refused'; readonly by: LeaseView };

export interface Leases extends AsyncDisposable {
  /**
   * Takes it where nobody has it, its time is over, or `holder` is who has it already: the same that was started again. The
   * token is larger than any before. Changes under an older one have ended when this has.
   */
  acquire(name: string, holder: string, ttlMs: number): Promise<Acquisition>;
  /** From now on for `ttlMs`. False when another has taken it. */
  renew(fence: Fence, ttlMs: number): Promise<boolean>;
  /** Gives it up, so that nobody has to wait for the end of its time. Nothing when another has it. */
  release(fence: Fence): Promise<void>;
  /** Undefined when nobody ever took it. */
  view(name: string): Promise<LeaseView | undefined>;
}
