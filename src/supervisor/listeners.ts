/** The listeners of a specification: which there are, their sockets, their certificates' files, and where each is reached. */
import { join } from 'node:path';
import type { Specification } from '../config/specification.ts';
import { apiSocketFile } from '../store/run-directory.ts';
import type { TlsFiles } from '../tls/certificate.ts';
import type { WatchedTls } from '../tls/watch.ts';
import { bindSocket, urlOf, type BoundSocket } from './listening-socket.ts';

export type ListenerName = 'http' | 'grpc' | 'metrics' | 'control' | 'management';
/** `management` is there only where the specification names it. */
export type PerListener<T> = Readonly<
  Record<Exclude<ListenerName, 'management'>, T> & Partial<Record<ListenerName, T>>
>;

export interface ListenerAddress {
  readonly url: string;
  readonly port: number;
  /** True when the wanted port was taken and this is the next free one. */
  readonly moved: boolean;
  /** File of its certificate, where it speaks TLS: whoever reads this file may trust it by that alone. */
  readonly certificate?: string;
  /** Of control's API with TLS: a Unix socket for this user, who needs no certificate there. */
  readonly socket?: string;
}

export const listenerNames: readonly ListenerName[] = ['http', 'grpc', 'metrics', 'control', 'management'];

export interface BindOptions {
  readonly specification: Pick<Specification, 'listeners' | 'auth'>;
  /** Allow listeners outside loopback without authentication. */
  readonly insecure: boolean;
  /** Take the next free port when one is in use. */
  readonly portFallback: boolean;
}

function tlsOf({ listeners, tls }: Pick<Specification, 'listeners' | 'tls'>, name: ListenerName): TlsFiles | undefined {
  const listener = listeners[name];
  return listener === undefined ? undefined : (listener.tls ?? tls);
}

/** For `watchTls`: by listener, its certificate's files and the setting that names them. */
export function tlsListeners(specification: Pick<Specification, 'listeners' | 'tls'>): Map<string, WatchedTls> {
  return new Map(
    listenerNames.flatMap((name) => {
      const files = tlsOf(specification, name);
      const what = specification.listeners[name]?.tls === undefined ? 'tls' : `listeners.${name}.tls`;
      return files === undefined ? [] : [[name, { what, files }] as const];
    }),
  );
}

/** Where each is reached; `runDirectory` holds the socket of control's API. */
export function addressesOf(
  sockets: PerListener<BoundSocket>,
  specification: Pick<Specification, 'listeners' | 'tls'>,
  runDirectory: string,
): PerListener<ListenerAddress> {
  return Object.fromEntries(
    listenerNames.flatMap((name) => {
      const socket = sockets[name];
      if (socket === undefined) return [];
      const apiSocket = name === 'control' ? join(runDirectory, apiSocketFile) : undefined;
      return [[name, addressOf(socket, tlsOf(specification, name)?.certificate, apiSocket)]];
    }),
  ) as PerListener<ListenerAddress>;
}

function addressOf(
  socket: BoundSocket,
  certificate: string | undefined,
  apiSocket: string | undefined,
): ListenerAddress {
  const { host, port, moved } = socket;
  if (certificate === undefined) return { url: urlOf(host, port), port, moved };
  return {
    url: urlOf(host, port, true),
    port,
    moved,
    certificate,
    ...(apiSocket !== undefined && { socket: apiSocket }),
  };
}

/** Opens all of them, or none: what was opened is closed with the stack. PORT_IN_USE and its like name the setting. */
export function bindAll(options: BindOptions, stack: AsyncDisposableStack): PerListener<BoundSocket> {
  const wished = options.specification.listeners;
  const taken = new Map<number, string>();
  const bound = listenerNames.flatMap((name): [ListenerName, BoundSocket][] => {
    const wish = wished[name];
    if (wish === undefined) return [];
    const { host, port } = wish;
    const socket = bindSocket({
      key: `listeners.${name}`,
      host,
      port,
      insecure: options.insecure || options.specification.auth.keys === 'required',
      fallback: options.portFallback,
      // A listener that moves must not take the port that a later one is to have.
      taken: options.portFallback ? new Map([...portsOf(wished, name), ...taken]) : taken,
    });
    taken.set(socket.port, `listeners.${name}`);
    stack.defer(() => socket.close());
    return [[name, socket]];
  });
  return Object.fromEntries(bound) as PerListener<BoundSocket>;
}

/** The ports that the other listeners are to have, with their keys. */
function portsOf(listeners: Specification['listeners'], except: ListenerName): [number, string][] {
  return listenerNames.flatMap((name): [number, string][] => {
    const port = listeners[name]?.port;
    return name === except || port === undefined || port === listeners[except]?.port
      ? []
      : [[port, `listeners.${name}`]];
  });
}
