/** The listeners of a specification: which there are, their sockets, their certificates' files, and where each is reached. */
import { join } from 'node:path';
import type { Specification } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';
import { apiSocketFile } from '../store/run-directory.ts';
import type { TlsFiles } from '../tls/certificate.ts';
import type { WatchedTls } from '../tls/watch.ts';
import { listenAtOnce, type Listening } from './listen-at-once.ts';
import { bindSocket, portInUse, urlOf, type BoundSocket } from './listening-socket.ts';
import { listenerNames, listenersOf, type ListenerName, type PerListener, type RoleKind } from './roles.ts';

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
export function tlsListeners(
  specification: Pick<Specification, 'listeners' | 'tls'>,
  role: RoleKind,
): Map<string, WatchedTls> {
  return new Map(
    listenersOf(role).flatMap((name) => {
      const files = tlsOf(specification, name);
      const what = specification.listeners[name]?.tls === undefined ? 'tls' : `listeners.${name}.tls`;
      return files === undefined ? [] : [[name, { what, files }] as const];
    }),
  );
}

/** Where each is reached; `runDirectory` holds the socket of control's API. */
export function addressesOf<Kind extends RoleKind>(
  sockets: PerListener<BoundSocket, Kind>,
  specification: Pick<Specification, 'listeners' | 'tls'>,
  runDirectory: string,
): PerListener<ListenerAddress, Kind> {
  return Object.fromEntries(
    listenerNames.flatMap((name) => {
      const socket = sockets[name];
      if (socket === undefined) return [];
      const apiSocket = name === 'control' ? join(runDirectory, apiSocketFile) : undefined;
      return [[name, addressOf(socket, tlsOf(specification, name)?.certificate, apiSocket)]];
    }),
  ) as PerListener<ListenerAddress, Kind>;
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

/** Of platforms that start at the same moment, in each round at least one gets a port that others wanted. */
const roundsMax = 100;

/**
 * Opens all of them, or none: what was opened is closed with the stack. All of them listen when this ends, so that
 * whoever starts at the same moment finds them taken. PORT_IN_USE and its like name the setting.
 */
export async function openAll<Kind extends RoleKind>(
  options: BindOptions,
  role: Kind,
  stack: AsyncDisposableStack,
): Promise<PerListener<BoundSocket, Kind>> {
  const open = new Map<ListenerName, BoundSocket>();
  stack.defer(() => {
    for (const socket of open.values()) socket.close();
  });
  for (let round = 1; ; round += 1) {
    const bound = bindMissing(options, listenersOf(role), open);
    let listening: Listening | undefined;
    try {
      listening = await listenAtOnce([...bound.values()]);
    } finally {
      [...bound].forEach(([name, socket], index) => {
        if (listening !== undefined && index < listening.count) open.set(name, socket);
        else socket.close();
      });
    }
    const { refused, count } = listening;
    if (refused === undefined) return Object.fromEntries(open) as PerListener<BoundSocket, Kind>;
    const [name, { host, port }] = [...bound][count] as [ListenerName, BoundSocket];
    const key = `listeners.${name}`;
    if (refused !== 'EADDRINUSE') {
      throw new FlyballError('INVALID_SPECIFICATION', `${key}: cannot listen on ${host}:${port}: ${refused}`);
    }
    // Somebody who came at the same moment was first. The next free one, where that will do.
    const maySettle = options.portFallback || options.specification.listeners[name]?.port === 0;
    if (!maySettle || round === roundsMax) throw portInUse({ key, host, port });
  }
}

/** Binds those that are not open yet, or none. */
function bindMissing(
  { specification, insecure, portFallback }: BindOptions,
  names: readonly ListenerName[],
  open: ReadonlyMap<ListenerName, BoundSocket>,
): Map<ListenerName, BoundSocket> {
  const wished = specification.listeners;
  const taken = new Map([...open].map(([name, { port }]) => [port, `listeners.${name}`]));
  const bound = new Map<ListenerName, BoundSocket>();
  try {
    for (const name of names) {
      const wish = wished[name];
      if (wish === undefined || open.has(name)) continue;
      const { host, port } = wish;
      const socket = bindSocket({
        key: `listeners.${name}`,
        host,
        port,
        insecure: insecure || specification.auth.keys === 'required',
        fallback: portFallback,
        // A listener that moves must not take the port that a later one is to have.
        taken: portFallback ? new Map([...portsOf(wished, names, name), ...taken]) : taken,
      });
      taken.set(socket.port, `listeners.${name}`);
      bound.set(name, socket);
    }
  } catch (error) {
    for (const socket of bound.values()) socket.close();
    throw error;
  }
  return bound;
}

/** The ports that the other listeners are to have, with their keys. */
function portsOf(
  listeners: Specification['listeners'],
  names: readonly ListenerName[],
  except: ListenerName,
): [number, string][] {
  return names.flatMap((name): [number, string][] => {
    const port = listeners[name]?.port;
    return name === except || port === undefined || port === listeners[except]?.port
      ? []
      : [[port, `listeners.${name}`]];
  });
}
