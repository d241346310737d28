/**
 * Against DNS rebinding and cross-site requests: a page on the web can make a browser call a loopback port, but not forge
 * `Host`, `Origin` and `Sec-Fetch-Site`. What a browser sends must come from a page of the same origin, and on a loopback
 * listener that is one under a loopback name. Clients send neither header, so that nothing is asked of them.
 */
import type { IncomingHttpHeaders } from 'node:http';
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

export interface Asked {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Throws FORBIDDEN where another site's page had a browser send this. */
export function checkPage({ method, headers }: Asked, loopback: boolean): void {
  const { host = '', origin } = headers;
  const site = headers['sec-fetch-site'];
  if (origin === undefined && site === undefined) return;
  // The browser's own word, which a proxy that changes Host leaves as it is. Browsers give it to pages over TLS and of
  // loopback alone, and no page that was rebound to this machine is one of them.
  if (site === 'same-origin' || site === 'none') return;
  const isSafe = method === 'GET' || method === 'HEAD';
  // A link that somebody follows: the page that has it sees nothing of what comes.
  if (site !== undefined && isSafe && headers['sec-fetch-mode'] === 'navigate') return;
  if (site === undefined && loopback) checkHost(host);
  const from = origin !== undefined && URL.canParse(origin) ? new URL(origin).host : origin;
  if (site !== undefined || from !== host) {
    const came = origin === undefined ? `Sec-Fetch-Site ${String(site)}` : `Origin ${origin}`;
    throw new FlyballError('FORBIDDEN', `expected a browser's requests from pages of ${host} itself, got ${came}`);
  }
}

/** The same, where people work with a browser: nobody may come under another name, not even to look. */
export function checkOrigin(asked: Asked, loopback: boolean): void {
  if (loopback) checkHost(asked.headers.host ?? '');
  checkPage(asked, loopback);
}

/**
 * For callers whom their browser made known by a cookie: what acts must say that a page of this origin sent it. Nothing is
 * taken on trust there, since a browser adds the cookie whoever asked. Throws FORBIDDEN.
 */
export function requireOwnPage({ method, headers }: Asked): void {
  if (method === 'GET' || method === 'HEAD') return;
  const { host, origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin') return;
  if (site === undefined && origin !== undefined && URL.canParse(origin) && new URL(origin).host === host) return;
  throw new FlyballError(
    'FORBIDDEN',
    'expected a page of this origin to send what a cookie signs (Sec-Fetch-Site: same-origin, or Origin), got none; without a browser present the key itself',
  );
}

function checkHost(host: string): void {
  if (isLoopbackName(hostName(host))) return;
  throw new FlyballError('FORBIDDEN', `expected a Host of this machine (127.0.0.1, localhost), got ${host}`);
}
