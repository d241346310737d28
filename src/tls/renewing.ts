/**
 * Keeps an identity in force for as long as its process runs: asks for the next certificate well before the end of the
 * present one, and goes on asking while nobody answers. Who is asked, and how, is the business of `ask`.
 * Invariants: a certificate comes into force only if it fits the key that was made for it, names the same identity, and
 * lives longer than the present one; nothing is asked at the same time as another question.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import type { Rng } from '../rng.ts';
import { makeKey } from './authority.ts';
import { isOver, isoOf, lifeOf, renewalOf, retryMs } from './life.ts';
import type { LiveIdentity } from './live-identity.ts';

export interface RenewingOptions {
  readonly identity: LiveIdentity;
  /** PEM of a public key → PEM of its certificate. Rejects with {@link RefusedForGood} where asking again is no use. */
  readonly ask: (publicKey: string, signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly onRenewed?: (until: number) => void;
  /** Once for each time that it begins to fail. */
  readonly onTrouble: (message: string) => void;
  /** The certificate has expired, and control, which is there, does not take it any more. */
  readonly onRefused: (message: string) => void;
}

/** The other side is who it should be and has refused this identity. */
export class RefusedForGood extends Error {}

/** Returns what ends it. */
export function keepRenewed(options: RenewingOptions): () => void {
  const { identity, ask, clock, rng, onTrouble, onRefused } = options;
  const ended = new AbortController();
  let failures = 0;
  let cancel = (): void => {};

  function next(): void {
    const life = lifeOf(identity.certificate);
    const wait = failures > 0 ? retryMs(life, failures, rng.next()) : renewalOf(life, rng.next()) - clock.wall();
    cancel = clock.after(Math.max(0, Math.min(wait, longestWaitMs)), () => void step());
  }

  async function step(): Promise<void> {
    // A timer holds for some weeks at most, and a wall clock may have been put right meanwhile.
    if (failures === 0 && clock.wall() < renewalOf(lifeOf(identity.certificate), 1)) return next();
    const { key, publicKey } = makeKey();
    try {
      const certificate = await ask(publicKey, ended.signal);
      if (ended.signal.aborted) return;
      check(identity.certificate, certificate, key);
      identity.replace({ certificate, key, authority: identity.authority });
      failures = 0;
      options.onRenewed?.(lifeOf(certificate).until);
    } catch (error) {
      if (ended.signal.aborted) return;
      failures += 1;
      const { until } = lifeOf(identity.certificate);
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof RefusedForGood && isOver({ from: 0, until }, clock.wall())) {
        ended.abort();
        onRefused(`its certificate has expired at ${isoOf(until)}: ${message}`);
        return;
      }
      if (failures === 1) onTrouble(`its certificate, good until ${isoOf(until)}, could not be renewed: ${message}`);
    }
    next();
  }

  next();
  return () => {
    ended.abort();
    cancel();
  };
}

const longestWaitMs = 3_600_000;

function check(present: string, given: string, key: string): void {
  const [had, has] = [new X509Certificate(present), new X509Certificate(given)];
  const wrong =
    had.subjectAltName !== has.subjectAltName
      ? `names ${has.subjectAltName}, expected ${had.subjectAltName}`
      : !has.checkPrivateKey(createPrivateKey(key))
        ? 'is not for the key that was sent'
        : has.validToDate < had.validToDate
          ? `ends before the present one, at ${has.validToDate.toISOString()}`
          : undefined;
  if (wrong !== undefined) throw new FlyballError('TLS_UNUSABLE', `the certificate that came ${wrong}`);
}
