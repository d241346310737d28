/**
 * What a signature on a version says, and how it is made and checked. Signed is a statement: this name (and this number,
 * where it was known) means this content, by the digests of every file and of the settings with their defaults, so that
 * a signature is of no use under another name, for another number, or for files and settings that differ in any byte.
 *
 *   signature = ed25519:KEY:SIGNATURE[:NUMBER]     KEY and SIGNATURE in base64url
 *   signed    = "flyball version 1\n" + canonical JSON of { assets, digest, file, model, settings, version }
 */
import { sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../config/canonical-json.ts';
import type { ModelFile } from '../config/model-file.ts';
import { FlyballError } from '../errors.ts';
import { digestOfBytes } from './digest.ts';
import { parsePublicKey, publicKeyText } from './signing-keys.ts';

/** What is signed of a version; see digest.ts for `digest`. */
export interface VersionContent {
  readonly model: string;
  readonly digest: string;
  /** Digest of the model's file; absent for one that needs none. */
  readonly file?: string | undefined;
  /** Digest of the settings with the defaults that they have here: what is really run. */
  readonly settings: string;
  /** Digests of the files that the settings name. */
  readonly assets: Readonly<Record<string, string>>;
}

export interface ParsedSignature {
  /** The public key, in its one-line form. */
  readonly key: string;
  readonly bytes: Buffer;
  /** Present when the number was signed too. */
  readonly version?: number;
}

/** More on one version are refused. */
export const signaturesMax = 16;

const context = 'flyball version 1\n';
const pattern = /^(ed25519:[A-Za-z0-9_-]{43}):([A-Za-z0-9_-]{86})(?::([1-9]\d{0,8}))?$/;

export function settingsDigest(modelFile: ModelFile): string {
  return digestOfBytes(canonicalJson(modelFile));
}

function statement({ model, digest, file, settings, assets }: VersionContent, version: number | undefined): Buffer {
  const signed = { model, version: version ?? null, digest, file: file ?? null, settings, assets };
  return Buffer.from(context + canonicalJson(signed));
}

export function signVersion(content: VersionContent, version: number | undefined, key: KeyObject): string {
  const bytes = sign(null, statement(content, version), key);
  const number = version === undefined ? '' : `:${version}`;
  return `${publicKeyText(key)}:${bytes.toString('base64url')}${number}`;
}

/** INVALID_REQUEST for what is no signature. */
export function parseSignature(text: string): ParsedSignature {
  const match = pattern.exec(text);
  if (match === null) {
    const got = JSON.stringify(text.slice(0, 40));
    throw new FlyballError('INVALID_REQUEST', `expected a signature ed25519:KEY:SIGNATURE[:NUMBER], got ${got}`);
  }
  const [, key = '', signature = '', version] = match;
  const bytes = Buffer.from(signature, 'base64url');
  return { key, bytes, ...(version === undefined ? {} : { version: Number(version) }) };
}

/** Whether it was made with its key, for this content, name and number. */
export function isSignatureOf(signature: ParsedSignature, content: VersionContent, version: number): boolean {
  if (signature.version !== undefined && signature.version !== version) return false;
  return verify(null, statement(content, signature.version), parsePublicKey(signature.key), signature.bytes);
}
