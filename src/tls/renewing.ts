/**
 * Keeps an identity in force for as long as its process runs: asks for the next certificate well before the end of the
 * present one, and goes on asking while nobody answers. Who is asked, and how, is the business of `ask`.
 * One that was given from outside may live for longer than those that control issues: it is used until they would outlive it.
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
  let present = lifeOf(identity.certificate);
  let failures = 0;
  /** Until then nothing is asked: what control issues would end sooner than what is there, or something has just come. */
  let enoughUntil = 0;
  let cancel = (): void => {};

  function next(): void {
    const due = Math.max(enoughUntil, renewalOf(present, rng.next()));
    const wait = failures > 0 ? retryMs(present, failures, rng.next()) : due - clock.wall();
    cancel = clock.after(Math.max(0, Math.min(wait, longestWaitMs)), () => void step());
  }

  async function step(): Promise<void> {
    if (failures === 0 && clock.wall() < Math.max(enoughUntil, renewalOf(present, 1))) return next();
    const { key, publicKey } = makeKey();
    try {
      const certificate = await ask(publicKey, ended.signal);
      if (ended.signal.aborted) return;
      check(identity.certificate, certificate, key);
      failures = 0;
      const life = lifeOf(certificate);
      if (life.until > present.until) {
        present = life;
        // A clock that is far ahead of control's would ask again at once, and again.
        enoughUntil = clock.wall() + retryMs(life, manyFailures, 1);
        identity.replace({ certificate, key, authority: identity.authority });
        options.onRenewed?.(life.until);
      } else enoughUntil = clock.wall() + (present.until - life.until) + secondMs;
    } catch (error) {
      if (ended.signal.aborted) return;
      failures += 1;
      const { until } = present;
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof RefusedForGood && isOver(present, clock.wall())) {
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

const manyFailures = 9;
/** Certificates end at whole seconds. */
const secondMs = 1000;
/** A laptop sleeps, and its timers with it: how late it may be found out. */
const longestWaitMs = 60_000;

function check(present: string, given: string, key: string): void {
  const [had, has] = [new X509Certificate(present), new X509Certificate(given)];
  const wrong =
    had.subjectAltName !== has.subjectAltName
      ? `names ${has.subjectAltName}, expected ${had.subjectAltName}`
      : !has.checkPrivateKey(createPrivateKey(key))
        ? 'is not for the key that was sent'
        : undefined;
  if (wrong !== undefined) throw new FlyballError('TLS_UNUSABLE', `the certificate that came ${wrong}`);
}
