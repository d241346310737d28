/**
 * Secrets that may lie where others read: sealed with AES-256-GCM under a key made (HKDF-SHA256, RFC 5869) of a file that
 * each machine of the platform has and the place does not. Each is sealed for one name, so that none can be put in place
 * of another.
 *
 *   flyball-sealed-1:<base64 of nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)>
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { FlyballError } from '../errors.ts';

const scheme = 'flyball-sealed-1:';
const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Characters. It is not stretched as a password is: what is sealed can be tried against at any speed. */
export const sealKeyLengthMin = 32;

const keyOf = (sealKey: string): Buffer => Buffer.from(hkdfSync('sha256', sealKey, '', scheme, keyBytes));

export function seal(sealKey: string, name: string, secret: Uint8Array): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, keyOf(sealKey), nonce);
  cipher.setAAD(Buffer.from(name));
  const sealed = [nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()];
  return scheme + Buffer.concat(sealed).toString('base64');
}

/** SECRET_UNUSABLE where it was sealed with another key or for another name, or was changed since. */
export function unseal(sealKey: string, name: string, sealed: string): Buffer {
  try {
    if (!sealed.startsWith(scheme)) throw new Error(`expected ${scheme}…`);
    const bytes = Buffer.from(sealed.slice(scheme.length), 'base64');
    const decipher = createDecipheriv(algorithm, keyOf(sealKey), bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(name));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    const why = `expected the key that ${name} was sealed with in the store, got another, or what is there was changed`;
    throw new FlyballError('SECRET_UNUSABLE', `store.sealKeyFile: ${why}`, { cause });
  }
}
