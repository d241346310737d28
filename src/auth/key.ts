/**
 * What an API key looks like, and what is kept of it: `flyball_<id>_<secret>`, id 12 hexadecimal digits, secret 32
 * random bytes in base64url. The id is no secret: it finds the entry, and names the key in lists and logs.
 *
 * Only the SHA-256 of the whole key is kept. A slow hash (argon2, scrypt) is for passwords, which can be guessed; 256
 * random bits cannot, whatever the speed of a guess, and a slow hash at every request would itself be an attack.
 */
import { hash, randomBytes } from 'node:crypto';

const form = /^flyball_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
/** Of what is presented as a key; one of ours has 64 characters. */
const charactersMax = 256;

export interface NewKey {
  readonly id: string;
  /** Shown once, to whoever asked for it. */
  readonly secret: string;
  readonly hash: string;
}

export function makeKey(): NewKey {
  const id = randomBytes(6).toString('hex');
  const secret = `flyball_${id}_${randomBytes(32).toString('base64url')}`;
  return { id, secret, hash: hash('sha256', secret, 'hex') };
}

export const hashBytes = 32;

export function hashOf(presented: string): Buffer {
  return hash('sha256', presented.slice(0, charactersMax), 'buffer');
}

/** The id that a key claims; undefined when it is no key of ours. */
export function idOf(presented: string): string | undefined {
  return form.exec(presented)?.[1];
}

/**
 * The key in `Authorization: Bearer …` or `X-API-Key`; the first counts where both are given. Another scheme than
 * Bearer is no key.
 */
export function presentedKey(authorization: string | undefined, apiKey: string | undefined): string | undefined {
  if (authorization !== undefined) return /^bearer +([^\s,]+) *$/i.exec(authorization)?.[1] ?? '';
  return apiKey?.trim();
}
