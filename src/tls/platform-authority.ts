/**
 * The authority of one platform on its disk, made at the first start and kept in the data directory for this user alone.
 * Whoever can read its key can be any process of the platform: it leaves that directory sealed, or not at all.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../auth/key-table.ts';
import { FlyballError } from '../errors.ts';
import { issue, makeAuthority, type IssuedCertificate } from './authority.ts';
import type { PeerIdentity } from './peer.ts';

export const authorityFile = 'authority.pem';

/** One file, so that certificate and key can never be of two authorities. Throws TLS_UNUSABLE. */
export async function openPlatformAuthority(
  dataDirectory: string,
  name: string,
  at: number,
): Promise<IssuedCertificate> {
  const path = join(dataDirectory, authorityFile);
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new FlyballError('TLS_UNUSABLE', `cannot read ${path}: ${error.message}`, { cause: error });
  });
  if (found === undefined) {
    const made = makeAuthority(name, at);
    await writePrivateFile(path, made.certificate + made.key);
    return made;
  }
  const help = 'restore it from a backup, or remove it: replicas over TCP then need new certificates';
  return parseAuthority(found, (why) => `${path} is damaged (${why}); ${help}`);
}

/** That of a file which was given. Throws TLS_UNUSABLE. */
export async function readAuthority(what: string, path: string): Promise<IssuedCertificate> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new FlyballError('TLS_UNUSABLE', `${what}: cannot read ${path}: ${cause.message}`, { cause });
  });
  return parseAuthority(text, (why) => `${what}: ${path} is no authority of a platform: ${why}`);
}

function parseAuthority(text: string, inWords: (why: string) => string): IssuedCertificate {
  const [, certificate, key] = /^(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n)(.*)$/s.exec(text) ?? [];
  try {
    if (certificate === undefined || key === undefined) throw new Error('expected a certificate and a key');
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('they do not fit');
    if (!parsed.ca) throw new Error('the certificate may not issue others');
    return { certificate, key };
  } catch (cause) {
    throw new FlyballError('TLS_UNUSABLE', inWords((cause as Error).message), { cause });
  }
}

/** Longer than any process lives. */
const processLifetimeMs = 10 * 365 * 86_400_000;

/** For the life of one process of this platform, unless a shorter one is given. */
export function identityOf(
  authority: IssuedCertificate,
  identity: string,
  role: 'server' | 'client' | 'peer',
  at: number,
  lifetimeMs = processLifetimeMs,
): PeerIdentity {
  const { certificate, key } = issue(authority, { identity, role, at, lifetimeMs });
  return { certificate, key, authority: authority.certificate };
}
