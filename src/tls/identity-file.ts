/**
 * A process's certificate as a file brings it: one PEM with the certificate, its key and the platform's authority.
 * Invariant: what comes back works: it belongs together, the authority has issued it, and, where a time is given, it is in
 * force then.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { FlyballError } from '../errors.ts';
import { identityUri } from './authority.ts';
import type { PeerIdentity } from './peer.ts';

const certificates = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?/gs;
const keys = /-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----\n?/gs;

/** `what` names the file in messages. `at`: Unix milliseconds; without it nobody asks when it ends. Throws TLS_UNUSABLE. */
export async function readIdentity(what: string, path: string, at?: number): Promise<PeerIdentity> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw unusable(`${what}: cannot read ${path}: ${whyIn(cause)}`, cause);
  });
  return parseIdentity(`${what}: ${path}`, text, at);
}

/** The first certificate is the process's own; those that follow are authorities. */
export function parseIdentity(what: string, text: string, at?: number): PeerIdentity {
  const [certificate, ...authorities] = text.match(certificates) ?? [];
  const [key] = text.match(keys) ?? [];
  if (certificate === undefined || key === undefined || authorities.length === 0) {
    const missing = [
      certificate === undefined && 'a certificate',
      key === undefined && 'its private key',
      authorities.length === 0 && "the authority's certificate",
    ].filter((each) => each !== false);
    throw unusable(`${what}: expected certificate, key and authority in PEM, there is not ${missing.join(', nor ')}`);
  }
  const own = parse(what, certificate);
  let belongs: boolean;
  try {
    belongs = own.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw unusable(`${what}: expected a private key in PEM, got something else`, cause);
  }
  if (!belongs) throw unusable(`${what}: the key is not that of the certificate`);
  if (!authorities.some((authority) => own.verify(parse(what, authority).publicKey))) {
    throw unusable(`${what}: the certificate was not issued by the authority beside it`);
  }
  if (at === undefined) return { certificate, key, authority: authorities.join('') };
  if (at > own.validToDate.getTime()) throw unusable(`${what}: it has expired at ${isoOf(own.validToDate)}`);
  if (at < own.validFromDate.getTime())
    throw unusable(`${what}: it is not in force before ${isoOf(own.validFromDate)}`);
  return { certificate, key, authority: authorities.join('') };
}

/** `gateway`, `replica/digits_v3`: whom a certificate of the platform names; undefined for another's. */
export function identityIn(certificate: string): string | undefined {
  const [first] = certificate.match(certificates) ?? [];
  const names = first === undefined ? '' : (new X509Certificate(first).subjectAltName ?? '');
  const uri = names.split(', ').find((name) => name.startsWith(`URI:${identityUri('')}`));
  return uri === undefined ? undefined : decodeURI(uri.slice(`URI:${identityUri('')}`.length));
}

function parse(what: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unusable(`${what}: expected a certificate in PEM, got something else`, cause);
  }
}

const whyIn = ({ code, message }: NodeJS.ErrnoException): string =>
  code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'this user may not read it' : message;

const unusable = (message: string, cause?: unknown): FlyballError =>
  new FlyballError('TLS_UNUSABLE', message, cause === undefined ? {} : { cause });

const isoOf = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
