/**
 * Sign-ins: a browser that has shown a key once gets a random id in its place, so that no key lies in the browser and
 * none goes over the line with each request. Held in memory alone and as hashes: a restart of control ends them all.
 *
 *   key shown ──begin──▶ open ──end | lifetime over | key revoked or expired | pushed out by newer ones──▶ gone
 *
 * Invariants: an id is made here and never taken from a caller; whatever ends the key ends its sign-ins at once.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import type { KeyHolder } from './authenticator.ts';

export interface NewSignIn {
  /** 256 random bits in base64url: for the caller alone. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  readonly holder: KeyHolder;
}

export interface SignIns {
  /** Always with an id that nobody has had before. */
  begin(holder: KeyHolder): NewSignIn;
  /** Throws UNAUTHENTICATED, with one answer for whatever is not open. */
  holderOf(id: string): KeyHolder;
  /** When the sign-in of this id ends; undefined when it is not open. */
  expiresAt(id: string): number | undefined;
  /** True when it was open. */
  end(id: string): boolean;
  readonly open: number;
}

/** A working day: who comes back tomorrow shows the key again. */
export const lifetimeMs = 12 * 3_600_000;
/** Browsers of one key at once; one more ends the oldest. */
const perKeyMax = 20;
const openMax = 1000;
const idForm = /^[A-Za-z0-9_-]{43}$/;

interface Held {
  readonly holder: KeyHolder;
  /** Of the clock that only grows: a wall clock that is put back would lengthen it. */
  readonly endsAt: number;
  readonly expiresAt: number;
}

export function openSignIns(clock: Clock): SignIns {
  /** By the hash of their ids, in the order in which they began: whoever reads this memory's dump signs in as nobody. */
  const held = new Map<string, Held>();
  const keyOf = (id: string): string => hash('sha256', id, 'hex');

  function find(id: string): Held | undefined {
    if (!idForm.test(id)) return undefined;
    // Found by its hash: how far a guess is right takes no time that could be measured.
    const key = keyOf(id);
    const found = held.get(key);
    if (found === undefined || found.holder.isGood()) return found;
    held.delete(key);
    return undefined;
  }

  function makeRoom(keyId: string): void {
    const own = [...held].filter(([, { holder }]) => holder.id === keyId);
    for (const [key, { holder }] of held) if (!holder.isGood()) held.delete(key);
    const [oldest] = own;
    if (own.length >= perKeyMax && oldest !== undefined) held.delete(oldest[0]);
    const [first] = held.keys();
    if (held.size >= openMax && first !== undefined) held.delete(first);
  }

  return {
    begin(holder) {
      makeRoom(holder.id);
      const id = randomBytes(32).toString('base64url');
      const key = keyOf(id);
      const endsAt = clock.now() + lifetimeMs;
      const isOpen = (): boolean => held.has(key) && clock.now() < endsAt;
      const expiresAt = clock.wall() + lifetimeMs;
      // Whatever asks the holder again later, a stream for instance, ends with the sign-in as well as with the key.
      const own: KeyHolder = { ...holder, isGood: () => isOpen() && holder.isGood() };
      held.set(key, { holder: own, endsAt, expiresAt });
      return { id, expiresAt, holder: own };
    },
    holderOf(id) {
      const found = find(id);
      if (found !== undefined) return found.holder;
      throw new FlyballError('UNAUTHENTICATED', 'expected to be signed in: sign in again with an API key');
    },
    expiresAt: (id) => find(id)?.expiresAt,
    end: (id) => find(id) !== undefined && held.delete(keyOf(id)),
    get open() {
      return held.size;
    },
  };
}
