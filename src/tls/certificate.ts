/**
 * A listener's certificate and key, read from files and held against each other before anything is served with them.
 * Invariant: what comes back works: both can be read, belong together, and the certificate is in force at that moment.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { FlyballError } from '../errors.ts';

export interface TlsFiles {
  /** PEM: the certificate, then those that lead to its authority. */
  readonly certificate: string;
  readonly key: string;
  /** Authorities whose certificates callers must show; absent: callers show none. */
  readonly clientCa?: string | undefined;
}

/** What a listener serves with; goes from the supervisor to the process that serves, and nowhere else. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  /** Unix milliseconds. */
  readonly notAfter: number;
}

const oldest = 'TLSv1.2';
/** A caller that does not end its handshake holds a connection and nothing else. */
const handshakeMsMax = 10_000;

/** `what` names the setting in messages: tls, listeners.http.tls. Throws TLS_UNUSABLE. */
export function loadTls(what: string, files: TlsFiles, at: number): TlsMaterial {
  const cert = read(`${what}.certificate`, files.certificate);
  const key = read(`${what}.key`, files.key);
  const ca = files.clientCa === undefined ? undefined : read(`${what}.clientCa`, files.clientCa);
  const certificate = parseCertificate(`${what}.certificate: ${files.certificate}`, cert);
  const privateKey = parseKey(`${what}.key: ${files.key}`, key);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unusable(`${what}: the key ${files.key} is not that of the certificate ${files.certificate}`);
  }
  const notAfter = certificate.validToDate.getTime();
  if (at > notAfter) throw unusable(`${what}: ${files.certificate} has expired at ${isoOf(certificate.validToDate)}`);
  if (at < certificate.validFromDate.getTime()) {
    throw unusable(`${what}: ${files.certificate} is not in force before ${isoOf(certificate.validFromDate)}`);
  }
  if (ca !== undefined) parseCertificate(`${what}.clientCa: ${files.clientCa}`, ca);
  return { cert, key, ...(ca === undefined ? {} : { ca }), notAfter };
}

/** For a server that is being made. */
export function serverOptions(material: TlsMaterial): TlsOptions {
  return {
    ...contextOptions(material),
    handshakeTimeout: handshakeMsMax,
    ...(material.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
  };
}

/** For `setSecureContext` of one that serves: connections that are open keep what they began with. */
export function contextOptions({ cert, key, ca }: TlsMaterial): SecureContextOptions {
  return { cert, key, ...(ca === undefined ? {} : { ca }), minVersion: oldest };
}

/** Whether a failed connection failed before there was anybody to answer. */
export function isTlsFailure(error: NodeJS.ErrnoException): boolean {
  return /^ERR_(?:SSL|TLS)_/.test(error.code ?? '') || error.code === 'EPROTO';
}

const unusable = (message: string, cause?: unknown): FlyballError =>
  new FlyballError('TLS_UNUSABLE', message, cause === undefined ? {} : { cause });

const isoOf = (date: Date): string => date.toISOString().slice(0, 16).replace('T', ' ') + ' UTC';

function read(what: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'this user may not read it' : String(cause);
    throw unusable(`${what}: cannot read ${path}: ${why}`, cause);
  }
}

function parseCertificate(what: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unusable(`${what}: expected a certificate in PEM, got something else`, cause);
  }
}

function parseKey(what: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const locked = /ENCRYPTED/.test(pem);
    throw unusable(
      `${what}: expected a private key in PEM${locked ? ' without a passphrase' : ''}, got something else`,
      cause,
    );
  }
}
