/**
 * The identity of a process that has the authority itself, or is told by one that has: issued in its memory, renewed there,
 * never on the disk.
 */
import type { Clock } from '../clock.ts';
import type { Rng } from '../rng.ts';
import { certify, readPublicKey, type IssueOrder, type IssuedCertificate } from './authority.ts';
import { liveIdentity, type LiveIdentity } from './live-identity.ts';
import { identityOf } from './platform-authority.ts';
import { keepRenewed } from './renewing.ts';

export interface OwnIdentityOptions {
  readonly authority: IssuedCertificate;
  readonly identity: string;
  readonly role: IssueOrder['role'];
  readonly lifetimeMs: number;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly onTrouble: (message: string) => void;
}

export interface OwnIdentity extends LiveIdentity, Disposable {}

export function ownIdentity(options: OwnIdentityOptions): OwnIdentity {
  const { authority, identity, role, lifetimeMs, clock, rng, onTrouble } = options;
  const live = liveIdentity(identityOf(authority, identity, role, clock.wall(), lifetimeMs));
  const stop = keepRenewed({
    identity: live,
    async ask(publicKey) {
      const key = readPublicKey(publicKey);
      if (key === undefined) throw new Error('expected a public key of its own making');
      return certify(authority, { identity, role, at: clock.wall(), lifetimeMs }, key);
    },
    clock,
    rng,
    onTrouble,
    // Nobody refuses a process that has the authority.
    onRefused: onTrouble,
  });
  return Object.defineProperty(live, Symbol.dispose, { value: stop }) as OwnIdentity;
}
