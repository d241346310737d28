/**
 * Presented key → whose it is and what that caller may do, from the key table alone: no store, no network.
 * What is unknown, revoked, expired or altered gets one and the same answer after one and the same work.
 * Invariant: after `apply` has returned, no key that is not in that table is accepted, on open connections either.
 */
import { timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { holds, covers, whyNot, type Need, type Scope } from '../core/access/scopes.ts';
import { fullBucket, shareOf, take, type Bucket } from '../core/access/token-bucket.ts';
import { FlyballError } from '../errors.ts';
import { hashBytes, hashOf, idOf } from './key.ts';
import { noKeys, type KeyEntry, type KeyTable } from './key-table.ts';

/** A caller whose key is good. The same key is the same object until its entry changes. */
export interface KeyHolder {
  readonly id: string;
  /** For `by`. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Absent: every deployment, and the platform as a whole. */
  readonly deployments?: readonly string[] | undefined;
  /** Whether the key is still good: for whatever goes on after it was let in. */
  isGood(): boolean;
  holds(scope: Scope): boolean;
  covers(deployment: string): boolean;
  /** Throws FORBIDDEN. */
  require(need: Need): void;
  /** Counts a request; throws RATE_LIMITED, and UNAUTHENTICATED when the key is no longer good. */
  admit(): void;
}

/** One who has just presented it. */
export interface KeyPresenter extends KeyHolder {
  /** As it was presented, to be passed on to control in the caller's name; never logged. */
  readonly secret: string;
}

export interface Authenticator {
  readonly revision: number;
  apply(table: KeyTable): void;
  /** `connection`: what was accepted on it is not hashed again. Throws UNAUTHENTICATED. */
  authenticate(presented: string | undefined, connection?: object): KeyPresenter;
  /** Of the key with this id, for those who have presented it before; undefined when it is not good. */
  holderOf(id: string): KeyHolder | undefined;
}

const notValid = (): FlyballError =>
  new FlyballError('UNAUTHENTICATED', 'expected a valid API key, got one that is not');

interface Held {
  readonly entry: KeyEntry;
  readonly hash: Buffer;
  bucket: Bucket | undefined;
  holder: KeyPresenter | undefined;
}

interface Accepted {
  readonly presented: string;
  readonly held: Held;
  readonly generation: number;
}

const nobody = Buffer.alloc(hashBytes);

/** `workers`: how many processes share the keys' rate limits. */
export function openAuthenticator(clock: Clock, workers = 1): Authenticator {
  let table: KeyTable = noKeys;
  let held = new Map<string, Held>();
  let generation = 0;
  // A connection presents the same key again and again. What is compared here is what this caller itself has shown to be
  // right before, so that the time it takes tells it nothing.
  const accepted = new WeakMap<object, Accepted>();

  const isOver = ({ expiresAt }: KeyEntry): boolean => expiresAt !== undefined && clock.wall() >= expiresAt;

  function toHolder(own: Held): KeyHolder {
    const { entry } = own;
    const isGood = (): boolean => held.get(entry.id) === own && !isOver(entry);
    const rate = entry.rate === undefined ? undefined : shareOf(entry.rate, workers);
    return {
      id: entry.id,
      name: entry.name,
      scopes: entry.scopes,
      deployments: entry.deployments,
      isGood,
      holds: (scope) => holds(entry, scope),
      covers: (deployment) => covers(entry, deployment),
      require(need) {
        const reason = whyNot(entry, need);
        if (reason !== undefined) throw new FlyballError('FORBIDDEN', reason);
      },
      admit() {
        // A stream that was let in goes on; its key may be gone.
        if (!isGood()) throw notValid();
        if (rate === undefined || entry.rate === undefined) return;
        const at = clock.now();
        const result = take(own.bucket ?? fullBucket(rate, at), rate, at);
        own.bucket = result.bucket;
        if (result.kind === 'taken') return;
        const { perSecond, burst } = entry.rate;
        throw new FlyballError(
          'RATE_LIMITED',
          `expected at most ${perSecond} requests a second of this key (${burst} at once), got more`,
          { retryAfterSeconds: Math.max(1, Math.ceil(result.retryAfterMs / 1000)) },
        );
      },
    };
  }

  return {
    get revision() {
      return table.revision;
    },
    apply(next) {
      const known = held;
      held = new Map(
        next.keys.map((entry) => {
          const before = known.get(entry.id);
          // Kept with its bucket: another key's change is no reason to let this one burst again.
          if (before !== undefined && isDeepStrictEqual(before.entry, entry)) return [entry.id, before];
          return [entry.id, { entry, hash: Buffer.from(entry.hash, 'hex'), bucket: undefined, holder: undefined }];
        }),
      );
      table = next;
      generation += 1;
    },
    authenticate(presented, connection) {
      if (presented === undefined) {
        throw new FlyballError(
          'UNAUTHENTICATED',
          'expected an API key (Authorization: Bearer … or X-API-Key), got none',
        );
      }
      const last = connection === undefined ? undefined : accepted.get(connection);
      if (last !== undefined && last.generation === generation && last.presented === presented) {
        if (!isOver(last.held.entry) && last.held.holder !== undefined) return last.held.holder;
      }
      const own = held.get(idOf(presented) ?? '');
      const wanted = own?.hash.length === hashBytes ? own.hash : nobody;
      const matches = timingSafeEqual(hashOf(presented), wanted);
      if (own === undefined || !matches || isOver(own.entry)) {
        throw notValid();
      }
      own.holder ??= { ...toHolder(own), secret: presented };
      if (connection !== undefined) accepted.set(connection, { presented, held: own, generation });
      return own.holder;
    },
    holderOf(id) {
      const own = held.get(id);
      return own === undefined || isOver(own.entry) ? undefined : toHolder(own);
    },
  };
}
