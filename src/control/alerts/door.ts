/**
 * Whether a notification comes from who it says: a bearer that the sender shows, or an HMAC of the body, before anything
 * of the body is read. What was signed with a time is taken once.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { WebhookSettings } from '../../config/alerts-specification.ts';
import { FlyballError } from '../../errors.ts';
import { verify } from '../../telemetry/alerts/signature.ts';
import { readSecret } from './secrets.ts';

export interface Door {
  /** What headers alone can show: UNAUTHENTICATED, SECRET_UNUSABLE. */
  knock(sender: string, settings: WebhookSettings, headers: IncomingHttpHeaders): Promise<void>;
  /** UNAUTHENTICATED, WEBHOOK_REPLAYED, SECRET_UNUSABLE. Returns what takes it. */
  enter(sender: string, settings: WebhookSettings, headers: IncomingHttpHeaders, body: Buffer): Promise<Entered>;
}

export interface Entered {
  /** It is taken now: WEBHOOK_REPLAYED where another of the same signature was. Returns what takes that back. */
  take(): () => void;
}

/** A shorter one could be guessed. */
const secretLengthMin = 16;
/** Signatures that are remembered, each until its time is too old anyway. */
const takenMax = 10_000;

interface Signed {
  readonly secret: string;
  readonly signature: string;
  readonly timestamp: string | undefined;
  readonly header: string;
  readonly toleranceMs: number;
}

const unsigned: Entered = { take: () => () => {} };

const one = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

export function openDoor(clock: Clock): Door {
  /** Signature → until when its time would be accepted, monotonic. */
  const taken = new Map<string, number>();

  function forget(): void {
    const at = clock.now();
    for (const [signature, until] of taken) if (at >= until || taken.size > takenMax) taken.delete(signature);
  }

  async function knock(
    sender: string,
    { bearer, hmac }: WebhookSettings,
    headers: IncomingHttpHeaders,
  ): Promise<Signed | undefined> {
    if (bearer !== undefined) {
      const expected = await readSecret(bearer, `alerts.webhooks.${sender}.bearer`, secretLengthMin);
      const [, given] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
      if (given === undefined) throw refused('expected Authorization: Bearer …, got none');
      if (!isSame(given, expected)) throw refused('expected the bearer of this webhook, got another one');
    }
    if (hmac === undefined) return undefined;
    const { header, timestampHeader } = hmac;
    const secret = await readSecret(hmac.secret, `alerts.webhooks.${sender}.hmac.secret`, secretLengthMin);
    const signature = one(headers[header.toLowerCase()]);
    if (signature === undefined) throw refused(`expected a signature in ${header}, got none`);
    const timestamp = timestampHeader === undefined ? undefined : one(headers[timestampHeader.toLowerCase()]);
    if (timestampHeader !== undefined && (timestamp === undefined || !/^\d{1,12}$/.test(timestamp))) {
      throw refused(`expected the time of the signature in ${timestampHeader}, in seconds since 1970`);
    }
    return { secret, signature, timestamp, header, toleranceMs: hmac.toleranceMs };
  }

  return {
    async knock(sender, settings, headers) {
      await knock(sender, settings, headers);
    },
    async enter(sender, settings, headers, body) {
      const signed = await knock(sender, settings, headers);
      if (signed === undefined) return unsigned;
      const { secret, signature, timestamp, header, toleranceMs } = signed;
      const verdict = verify({ signature, body, timestamp }, secret, clock.wall(), toleranceMs / 1000);
      if (verdict === 'wrong')
        throw refused(`${header} is not the signature of this body by the secret of this webhook`);
      if (verdict === 'old') {
        const apart = Math.round(Math.abs(clock.wall() / 1000 - Number(timestamp)));
        const words = `it was signed ${apart} s from now, expected at most ${toleranceMs / 1000} s`;
        throw new FlyballError('WEBHOOK_REPLAYED', words);
      }
      // Of a signature without a time nobody can say whether it was sent again or is a repeat: the book can.
      if (timestamp === undefined) return unsigned;
      const key = signature.trim().toLowerCase();
      const requireNew = (): void => {
        if (taken.has(key))
          throw new FlyballError('WEBHOOK_REPLAYED', 'a notification of this signature was taken before');
      };
      requireNew();
      return {
        take() {
          requireNew();
          forget();
          taken.set(key, clock.now() + 2 * toleranceMs);
          return () => void taken.delete(key);
        },
      };
    },
  };
}

const refused = (words: string): FlyballError => new FlyballError('UNAUTHENTICATED', words);

/** Hashed, so that the time it takes says nothing of the length either. */
function isSame(given: string, expected: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
