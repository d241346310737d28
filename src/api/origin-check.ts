/**
 * Against DNS rebinding and cross-site requests: a page on the web can make a browser call a loopback port, but not
 * forge `Host` and `Origin`. On a loopback listener only loopback names are served; a browser's page must be our own.
 */
import { isIP } from 'node:net';
import { FlyballError } from '../errors.ts';

/** `127.0.0.1:8080` → `127.0.0.1`; `[::1]:8080` → `::1`. */
function hostName(host: string): string {
  const bracketed = /^\[(.+)\](?::\d+)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase();
}

export function isLoopbackName(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  );
}

export function checkOrigin(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  loopback: boolean,
): void {
  const { host = '', origin } = headers;
  if (loopback && !isLoopbackName(hostName(host))) {
    throw new FlyballError('FORBIDDEN', `expected a Host of this machine (127.0.0.1, localhost), got ${host}`);
  }
  if (origin === undefined) return;
  const from = URL.canParse(origin) ? new URL(origin).host : origin;
  if (from !== host) throw new FlyballError('FORBIDDEN', `expected requests of ${host} itself, got Origin ${origin}`);
}
