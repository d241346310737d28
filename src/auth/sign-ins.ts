/**
 * Sign-ins: a browser that has shown a key once gets a random id in its place, so that no key lies in the browser and
 * none goes over the line with each request. Asked of memory alone, and kept in the store, so that who was signed in when
 * control died is so when it is back: that is when the Stop button is wanted.
 *
 *   key shown ──begin──▶ open ──end | lifetime over | key revoked or expired | pushed out by newer ones──▶ gone
 *                        ▲  └──control dies──┐
 *                        └──── its key is good ── the store, by the hash of its id
 *
 * Invariants: an id is made here and never taken from a caller, and is kept nowhere; whatever ends the key ends its
 * sign-ins at once; nothing makes one longer.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { StoreAccess } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import type { Authenticator, KeyHolder } from './authenticator.ts';

export type SignInMemory = Pick<StoreAccess, 'signIns' | 'addSignIn' | 'useSignIn' | 'removeSignIn' | 'pruneSignIns'>;

export interface SignInParts {
  /** With the table of keys in it: a sign-in whose key it does not know is over. */
  readonly auth: Authenticator;
  readonly memory: SignInMemory;
  readonly clock: Clock;
}

export interface NewSignIn {
  /** 256 random bits in base64url: for the caller alone. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  readonly holder: KeyHolder;
}

export interface SignIns {
  /** Always with an id that nobody has had before. Throws UNAUTHENTICATED when the key is gone by now. */
  begin(keyId: string): Promise<NewSignIn>;
  /** Throws UNAUTHENTICATED, with one answer for whatever is not open. */
  holderOf(id: string): KeyHolder;
  /** When the sign-in of this id ends; undefined when it is not open. */
  expiresAt(id: string): number | undefined;
  /** True when it was open. It is over when the call has returned; one that fails may come back with a restart. */
  end(id: string): Promise<boolean>;
  readonly open: number;
}

/** A working day: who comes back tomorrow shows the key again. */
export const lifetimeMs = 12 * 3_600_000;
/** Browsers of one key at once; one more ends the one that was used least recently. */
const perKeyMax = 20;
const openMax = 1000;
/** Between two notes of the use of a sign-in: a page asks every second, and each note is a write to the disk. */
export const usedEveryMs = 600_000;
const idForm = /^[A-Za-z0-9_-]{43}$/;

interface Held {
  readonly holder: KeyHolder;
  readonly expiresAt: number;
  /** Of the clock that only grows. */
  readonly noteAt: number;
}

const hashOf = (id: string): string => hash('sha256', id, 'hex');

export async function openSignIns({ auth, memory, clock }: SignInParts): Promise<SignIns> {
  /** By the hash of their ids, the least recently used first: whoever reads this memory's dump signs in as nobody. */
  const held = new Map<string, Held>();

  /** Undefined when its key is not good. */
  function hold(key: string, keyId: string, leftMs: number): Held | undefined {
    const holder = auth.holderOf(keyId);
    if (holder === undefined) return undefined;
    // Of the clock that only grows: a wall clock that is put back would lengthen it.
    const endsAt = clock.now() + leftMs;
    // Whatever asks the holder again later, a stream for instance, ends with the sign-in as well as with the key.
    const isGood = (): boolean => held.has(key) && clock.now() < endsAt && holder.isGood();
    const noteAt = clock.now() + usedEveryMs;
    const own: Held = { holder: { ...holder, isGood }, expiresAt: clock.wall() + leftMs, noteAt };
    held.set(key, own);
    return own;
  }

  function forget(key: string): void {
    held.delete(key);
    void quietly('forgetting a sign-in', memory.removeSignIn(key));
  }

  function find(id: string): Held | undefined {
    if (!idForm.test(id)) return undefined;
    // Found by its hash: how far a guess is right takes no time that could be measured.
    const key = hashOf(id);
    const found = held.get(key);
    if (found === undefined || found.holder.isGood()) return found;
    forget(key);
    return undefined;
  }

  function noteUse(key: string, found: Held): void {
    if (clock.now() < found.noteAt) return;
    held.delete(key);
    held.set(key, { ...found, noteAt: clock.now() + usedEveryMs });
    void quietly('noting the use of a sign-in', memory.useSignIn(key, clock.wall()));
  }

  function makeRoom(keyId: string): void {
    for (const [key, { holder }] of held) if (!holder.isGood()) forget(key);
    const own = [...held].filter(([, { holder }]) => holder.id === keyId);
    const [oldest] = own;
    if (own.length >= perKeyMax && oldest !== undefined) forget(oldest[0]);
    const [first] = held.keys();
    if (held.size >= openMax && first !== undefined) forget(first);
  }

  await memory.pruneSignIns(clock.wall());
  for (const { hash: key, keyId, expiresAt } of await memory.signIns()) {
    // A wall clock that was put back while nobody looked gives nobody more than a whole one.
    const leftMs = Math.min(expiresAt - clock.wall(), lifetimeMs);
    if (hold(key, keyId, leftMs) === undefined) await memory.removeSignIn(key);
  }

  return {
    async begin(keyId) {
      makeRoom(keyId);
      const id = randomBytes(32).toString('base64url');
      const key = hashOf(id);
      const own = hold(key, keyId, lifetimeMs);
      if (own !== undefined) {
        const { expiresAt, holder } = own;
        // One that cannot be kept is as good as any until control ends: a full disk is no reason to let nobody in.
        const record = { hash: key, keyId, expiresAt, usedAt: clock.wall() };
        await quietly('keeping a sign-in', memory.addSignIn(record));
        if (holder.isGood()) return { id, expiresAt, holder };
        held.delete(key);
      }
      throw new FlyballError('UNAUTHENTICATED', 'expected a valid API key, got one that is not');
    },
    holderOf(id) {
      const found = find(id);
      if (found === undefined)
        throw new FlyballError('UNAUTHENTICATED', 'expected to be signed in: sign in again with an API key');
      noteUse(hashOf(id), found);
      return found.holder;
    },
    expiresAt: (id) => find(id)?.expiresAt,
    async end(id) {
      if (find(id) === undefined) return false;
      held.delete(hashOf(id));
      await memory.removeSignIn(hashOf(id));
      return true;
    },
    get open() {
      return held.size;
    },
  };
}

async function quietly(where: string, write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (error) {
    publish('flyball:fault', { where, message: toFlyballError(error).message, error });
  }
}
