/**
 * The platform's own certificate authority, for connections between its own processes over TCP, and for nothing else:
 * gateway and control show that they are that, a runner shows which replica it is. One profile of RFC 5280: ECDSA on
 * P-256 with SHA-256, an identity as a URI in subjectAltName, the role as extended key usage.
 * Node reads certificates and issues none; this fixed profile is a hundred lines, a library for all profiles is a dozen
 * packages in the most delicate place. OpenSSL is the witness in the test.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { bits, explicit, implicit, integer, octets, oid, sequence, set, time, utf8, yes } from './der.ts';

/** PEM, both. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOrder {
  /** `gateway`, `control`, or `replica/digits-1-a`. */
  readonly identity: string;
  /** A server shows that it is what was called, a client that it may call; a peer is both. */
  readonly role: 'server' | 'client' | 'peer';
  /** Unix milliseconds. */
  readonly at: number;
  readonly lifetimeMs: number;
}

const dayMs = 86_400_000;
/** Clocks of two machines differ. */
export const backdatedMs = 3_600_000;
const authorityLifetimeMs = 20 * 365 * dayMs;
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const serverUsage = oid('1.3.6.1.5.5.7.3.1');
const clientUsage = oid('1.3.6.1.5.5.7.3.2');
const usageOf = { server: [serverUsage], client: [clientUsage], peer: [serverUsage, clientUsage] } as const;

export const identityUri = (identity: string): string => `flyball://${encodeURI(identity)}`;

export function makeAuthority(name: string, at: number): IssuedCertificate {
  const { privateKey, publicKey } = keyPair();
  const extensions = [
    extension('2.5.29.19', sequence(yes, integer(Buffer.from([0]))), true),
    // keyCertSign and cRLSign
    extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true),
    extension('2.5.29.14', octets(keyId(publicKey))),
  ];
  const subject = nameOf(`${name} platform authority`);
  const body = { issuer: subject, subject, publicKey, at, lifetimeMs: authorityLifetimeMs, extensions };
  return { certificate: certificateOf(body, privateKey), key: pemOf(privateKey) };
}

export function issue(authority: IssuedCertificate, order: IssueOrder): IssuedCertificate {
  const { privateKey, publicKey } = keyPair();
  return { certificate: certify(authority, order, publicKey), key: pemOf(privateKey) };
}

/** For a key that its owner has made and keeps. */
export function certify(authority: IssuedCertificate, order: IssueOrder, publicKey: KeyObject): string {
  const authorityKey = createPrivateKey(authority.key);
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    // digitalSignature
    extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
    extension('2.5.29.37', sequence(...usageOf[order.role])),
    extension('2.5.29.17', sequence(implicit(6, Buffer.from(identityUri(order.identity), 'ascii')))),
    extension('2.5.29.14', octets(keyId(publicKey))),
    extension('2.5.29.35', sequence(implicit(0, keyId(createPublicKey(authorityKey))))),
  ];
  const body = {
    issuer: subjectIn(authority.certificate),
    subject: nameOf(order.identity),
    publicKey,
    at: order.at,
    lifetimeMs: order.lifetimeMs,
    extensions,
  };
  return certificateOf(body, authorityKey);
}

/** PEM, both; `publicKey` is to be certified. */
export function makeKey(): { readonly key: string; readonly publicKey: string } {
  const { privateKey, publicKey } = keyPair();
  return { key: pemOf(privateKey), publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

/** A public key of this file's kind in PEM; undefined for anything else. */
export function readPublicKey(pem: string): KeyObject | undefined {
  // A private key would be read as well, and is nobody's business here.
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

function keyPair(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function certificateOf(
  body: {
    readonly issuer: Buffer;
    readonly subject: Buffer;
    readonly publicKey: KeyObject;
    readonly at: number;
    readonly lifetimeMs: number;
    readonly extensions: readonly Buffer[];
  },
  signer: KeyObject,
): string {
  const signed = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    body.issuer,
    sequence(time(body.at - backdatedMs), time(body.at + body.lifetimeMs)),
    body.subject,
    body.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...body.extensions)),
  );
  const der = sequence(signed, ecdsaWithSha256, bits(sign('sha256', signed, signer)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** A name of one part, the common name. */
const nameOf = (commonName: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), utf8(commonName.slice(0, 64)))));

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [yes] : []), octets(value));
}

/** SHA-1 of the public key's bits, as RFC 5280 suggests: a name, not a protection. */
function keyId(key: KeyObject): Buffer {
  // The point is the last 65 bytes of the structure, for every key of this curve.
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65);
  return createHash('sha1').update(point).digest();
}

/**
 * The subject of an authority that this file has made, byte for byte: an issuer that is written anew could differ in its
 * encoding. Its place is fixed by the profile: after version, serial, algorithm, issuer and validity.
 */
function subjectIn(pem: string): Buffer {
  const der = Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  const inside = (at: number): number => at + headBytes(der, at);
  const after = (at: number): number => inside(at) + lengthAt(der, at);
  let at = inside(inside(0));
  for (let skipped = 0; skipped < 5; skipped += 1) at = after(at);
  return der.subarray(at, after(at));
}

function headBytes(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

function lengthAt(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  return first < 0x80 ? first : der.readUIntBE(at + 2, first & 0x7f);
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
