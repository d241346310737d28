/**
 * Certificates that control issues through its door, to whoever shows one that is in force: the next one of the same
 * identity, for a key that its owner has made. Strangers and expired certificates do not get as far as this.
 * Invariant: nobody gets a name that they did not show, and a control that may not act any more issues nothing.
 */
import type { Clock } from '../clock.ts';
import { certify, readPublicKey, type IssuedCertificate } from '../tls/authority.ts';

export interface IssuerOptions {
  readonly authority: IssuedCertificate;
  readonly clock: Clock;
  readonly lifetimeMs: number;
  /** False when this control holds no lease any more; always true where there is none. */
  readonly mayIssue: () => boolean;
}

export type Issued =
  | { readonly kind: 'issued'; readonly certificate: string }
  | { readonly kind: 'refused'; readonly status: 400 | 403 | 421; readonly why: string };

export interface CertificateIssuer {
  /** `shown`: what the certificate of the caller names. `publicKey`: PEM. */
  renew(shown: string, publicKey: string): Issued;
  /** Issued so far, by kind of identity. */
  counts(): Readonly<Record<IssuedKind, number>>;
}

export type IssuedKind = 'replica' | 'gateway';

export function openIssuer({ authority, clock, lifetimeMs, mayIssue }: IssuerOptions): CertificateIssuer {
  const counts: Record<IssuedKind, number> = { replica: 0, gateway: 0 };
  return {
    renew(shown, publicKey) {
      const kind = kindOf(shown);
      if (kind === undefined) return refused(403, `a certificate for ${shown} is not renewed here`);
      if (!mayIssue()) return refused(421, 'this control was replaced and issues nothing');
      const key = readPublicKey(publicKey);
      if (key === undefined) return refused(400, 'expected a public key on P-256 in PEM, got something else');
      const role = kind === 'replica' ? 'peer' : 'client';
      counts[kind] += 1;
      return {
        kind: 'issued',
        certificate: certify(authority, { identity: shown, role, at: clock.wall(), lifetimeMs }, key),
      };
    },
    counts: () => ({ ...counts }),
  };
}

const refused = (status: 400 | 403 | 421, why: string): Issued => ({ kind: 'refused', status, why });

/** Control's own identity is not renewed through its door: whoever starts control has the authority. */
function kindOf(identity: string): IssuedKind | undefined {
  if (identity === 'gateway') return 'gateway';
  return /^replica\/./.test(identity) ? 'replica' : undefined;
}
