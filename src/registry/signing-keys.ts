/**
 * Ed25519 keys as people handle them: a private key is a PEM file (PKCS #8), a public key is one line,
 * `ed25519:BASE64URL` of its 32 bytes, or the PEM (SPKI) that other tools write. Neither is ever a secret of the platform:
 * private keys are read by the command line alone and go nowhere.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { FlyballError } from '../errors.ts';

const prefix = 'ed25519:';
const publicKeyBytes = 32;

/** The one-line form of a public key, or of the public half of a private one. */
export function publicKeyText(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return `${prefix}${half.export({ format: 'jwk' }).x ?? ''}`;
}

/** INVALID_SPECIFICATION for what is no public Ed25519 key. Takes both forms, and standard base64 too. */
export function parsePublicKey(text: string): KeyObject {
  const words = text.trim();
  if (words.includes('PRIVATE KEY')) {
    throw new FlyballError('INVALID_SPECIFICATION', 'expected a public key, got a private one: keep it to yourself');
  }
  try {
    const key = words.startsWith(prefix) ? fromLine(words.slice(prefix.length)) : createPublicKey(words);
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`it is a key of the kind ${key.asymmetricKeyType}`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `expected a public Ed25519 key as ed25519:BASE64 or in PEM, got ${JSON.stringify(words.slice(0, 60))}: ${why}`;
    throw new FlyballError('INVALID_SPECIFICATION', message, { cause });
  }
}

function fromLine(base64: string): KeyObject {
  const bytes = Buffer.from(base64, 'base64url');
  if (bytes.length !== publicKeyBytes) throw new Error(`it has ${bytes.length} bytes, not ${publicKeyBytes}`);
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' });
}

/** NOT_FOUND, or INVALID_REQUEST for a file that holds no private Ed25519 key; neither repeats its content. */
export function readPrivateKey(path: string): KeyObject {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FlyballError('NOT_FOUND', `cannot read the key file ${path}: ${(cause as Error).message}`, { cause });
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    // The cause could hold a part of the key.
    throw new FlyballError(
      'INVALID_REQUEST',
      `${path}: expected a private Ed25519 key in PEM, without a passphrase; \`flyball models keygen FILE\` makes one`,
    );
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new FlyballError('INVALID_REQUEST', `${path}: expected an Ed25519 key, got one of ${key.asymmetricKeyType}`);
}

/** Makes a key file that only its owner can read; CONFLICT when there is a file already. Returns the public key. */
export function makeKeyFile(path: string): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const message = taken ? `${path} is there already` : `cannot write ${path}: ${(cause as Error).message}`;
    throw new FlyballError(taken ? 'CONFLICT' : 'NOT_FOUND', message, { cause });
  }
  return publicKeyText(privateKey);
}
