/**
 * Listening sockets that outlive the process that serves them. The supervisor binds each port once and never accepts;
 * children receive a duplicate and accept on it. While no child is alive the kernel's backlog holds new callers.
 */
import net from 'node:net';
import { FlyballError } from '../errors.ts';
import { describePortHolder } from './port-holder.ts';

/** A bound TCP handle as Node passes it between processes; opaque here. */
export interface BoundSocket {
  readonly handle: net.Server;
  /** Its file descriptor in this process. */
  readonly fd: number;
  readonly host: string;
  readonly port: number;
  /** True when the wanted port was taken and the next free one was used. */
  readonly moved: boolean;
  close(): void;
}

interface TcpHandle {
  readonly fd: number;
  getsockname(out: { port?: number }): number;
  close(): void;
}

/**
 * Binds without listening. `net._createServerHandle` is what `node:cluster` itself uses for this and the only way to a
 * bound socket that this process does not accept on: with a `net.Server` the supervisor would take connections too.
 */
interface NetInternals {
  _createServerHandle(host: string, port: number, family: 4 | 6, fd: -1): TcpHandle | number;
}
const bind = (host: string, port: number, family: 4 | 6): TcpHandle | number =>
  (net as unknown as NetInternals)._createServerHandle(host, port, family, -1);

/** libuv's numbers on Linux; anything else is reported as it is. */
const addressInUse = -98;
const accessDenied = -13;
const addressUnavailable = -99;
const portsTried = 100;

export interface BindWish {
  /** Configuration key, for messages: listeners.http. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
  /** May listen where others can reach it: callers need a key, or the operator has said --insecure. */
  readonly insecure: boolean;
  /** Take the next free port instead of failing. */
  readonly fallback: boolean;
  /**
   * Ports of this platform's other listeners, with the key of each: a socket that is bound but not yet listened on lets
   * another bind beside it, so the kernel would only refuse when both are served.
   */
  readonly taken?: ReadonlyMap<number, string>;
}

/** Bound and not yet listened on: until it is, another may bind the same port. */
export function bindSocket(wish: BindWish): BoundSocket {
  const host = wish.host === 'localhost' ? '127.0.0.1' : wish.host;
  const family = net.isIP(host);
  if (family === 0)
    throw new FlyballError('INVALID_SPECIFICATION', `${wish.key}.host: expected an IP address, got ${wish.host}`);
  if (!isLoopback(host) && !wish.insecure)
    throw new FlyballError(
      'LISTENER_NOT_LOOPBACK',
      `${wish.key} would listen on ${host}, where others can reach it without a key: use 127.0.0.1, set auth.keys to required, or say --insecure`,
    );
  const last = wish.fallback && wish.port !== 0 ? Math.min(wish.port + portsTried, 65_535) : wish.port;
  for (let port = wish.port; port <= last; port += 1) {
    const own = wish.taken?.get(port);
    if (own !== undefined && port !== 0) {
      if (wish.fallback) continue;
      throw new FlyballError('PORT_IN_USE', `${wish.key}: port ${port} is also that of ${own}; give each its own`);
    }
    const handle = bind(host, port, family as 4 | 6);
    if (typeof handle === 'number') {
      if (handle !== addressInUse) throw refused(wish, host, port, handle);
      continue;
    }
    const name: { port?: number } = {};
    // libuv reports a taken port not from bind but from the next call on the handle, which is this one.
    if (handle.getsockname(name) === 0)
      return {
        handle: handle as unknown as net.Server,
        fd: handle.fd,
        host,
        port: name.port as number,
        moved: wish.port !== 0 && port !== wish.port,
        close: () => handle.close(),
      };
    handle.close();
  }
  throw portInUse({ ...wish, host });
}

export function portInUse({ key, host, port }: Pick<BindWish, 'key' | 'host' | 'port'>): FlyballError {
  const holder = describePortHolder(port);
  return new FlyballError(
    'PORT_IN_USE',
    `${key}: port ${port} on ${host} is in use by ${holder}; stop it or choose another port`,
  );
}

function refused(wish: BindWish, host: string, port: number, code: number): FlyballError {
  const reason =
    code === accessDenied
      ? 'not allowed (ports below 1024 need privileges)'
      : code === addressUnavailable
        ? 'this machine does not have that address'
        : `system error ${code}`;
  return new FlyballError('INVALID_SPECIFICATION', `${wish.key}: cannot listen on ${host}:${port}: ${reason}`);
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

/** http://127.0.0.1:8000, with brackets around an IPv6 address. */
export function urlOf(host: string, port: number, secure = false): string {
  return `${secure ? 'https' : 'http'}://${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
}
