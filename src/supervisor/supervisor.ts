/**
 * The supervisor of one machine: holds the data directory, the listening sockets and the lifeline, starts control and
 * the gateway workers and keeps them alive. It serves no request and decides nothing about replicas.
 * Order of the end: gateways finish what is in flight, then control drains and stops the replicas, then the sockets go.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { adminKeyFile, keyTableFile } from '../auth/key-table.ts';
import { toBytes, type Specification } from '../config/specification.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { modulePath } from '../module-path.ts';
import { openDataDirectory } from '../store/data-directory.ts';
import { apiSocketFile } from '../store/run-directory.ts';
import type { TlsFiles, TlsMaterial } from '../tls/certificate.ts';
import { identityOf, openPlatformAuthority } from '../tls/platform-authority.ts';
import { watchTls, type WatchedTls } from '../tls/watch.ts';
import { publish } from '../telemetry/events.ts';
import { startTelemetry } from '../telemetry/start.ts';
import { torchServeFamilies } from '../telemetry/torchserve-names.ts';
import { startChild, type Child } from './child.ts';
import { openLifeline } from './lifeline.ts';
import { bindSocket, urlOf, type BoundSocket } from './listening-socket.ts';
import { openLogFile } from './log-file.ts';
import type { ProcessSettings } from './messages.ts';
import { metricsDoor } from './metrics-door.ts';
import { serveMetrics } from './metrics-endpoint.ts';

export interface SupervisorOptions {
  readonly dataDirectory: string;
  readonly specification: Pick<
    Specification,
    | 'name'
    | 'listeners'
    | 'torchserve'
    | 'tls'
    | 'auth'
    | 'gateway'
    | 'runners'
    | 'limits'
    | 'registry'
    | 'requestLog'
    | 'shutdown'
  >;
  /** Allow listeners outside loopback without authentication. */
  readonly insecure: boolean;
  /** Take the next free port when one is in use. */
  readonly portFallback: boolean;
  readonly logLevel: string;
  /** Also hand every log line to the caller (`up -v`). */
  readonly onLog?: (chunk: Uint8Array | string) => void;
  readonly clock: Clock;
}

export type ListenerName = 'http' | 'grpc' | 'metrics' | 'control' | 'management';
/** `management` is there only where the specification names it. */
type PerListener<T> = Readonly<Record<Exclude<ListenerName, 'management'>, T> & Partial<Record<ListenerName, T>>>;

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

export interface SupervisorEnd {
  readonly reason: string;
  /** 0 after a drain, 1 when the platform could not be kept up. */
  readonly code: number;
}

/** As a shell has it for SIGINT. */
const abortedCode = 130;

export interface Supervisor extends AsyncDisposable {
  readonly listeners: PerListener<ListenerAddress>;
  readonly dataDirectory: string;
  readonly logFile: string;
  /** Fulfilled when control and every gateway worker have been ready once; rejected when one cannot start. */
  readonly ready: Promise<void>;
  /** Fulfilled when everything has ended, whoever asked for it. */
  readonly closed: Promise<SupervisorEnd>;
  /** Reads certificates again, as SIGHUP asks for. */
  reload(): void;
  /** Ends everything in order; further calls wait for the first. */
  drain(reason: string): Promise<void>;
  /** Ends everything at once: what is in flight is lost. */
  abort(reason: string): Promise<void>;
}

/** For one process to tell its metrics, or what it has counted. */
const figuresTimeoutMs = 1_000;
const listenerNames: readonly ListenerName[] = ['http', 'grpc', 'metrics', 'control', 'management'];

export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { specification, clock } = options;
  const keysRequired = specification.auth.keys === 'required';
  await using starting = new AsyncDisposableStack();

  const directory = starting.use(await openDataDirectory(options.dataDirectory));
  // A store that cannot be used is told here in its own words, not as a control that dies again and again.
  await openSqliteStore(directory.databasePath)[Symbol.asyncDispose]();
  const logPath = join(directory.path, 'flyball.log');
  const logFile = starting.adopt(openLogFile(logPath), (file) => file.close());
  const output = (chunk: Uint8Array | string): void => {
    logFile.write(chunk);
    options.onLog?.(chunk);
  };
  const telemetry = startTelemetry({ role: 'supervisor', logLevel: options.logLevel, sink: output });

  // Before anything is bound: a certificate that does not work is said at once.
  const tls = watchTls(tlsListeners(specification), clock, (name, material) => renew(name as ListenerName, material));
  starting.defer(() => tls.close());
  const authority = await openPlatformAuthority(directory.path, specification.name, clock.wall());
  const identity = (name: string) => identityOf(authority, name, 'client', clock.wall());
  const sockets = bindAll(options, starting);
  const listeners = Object.fromEntries(
    listenerNames.flatMap((name) => {
      const socket = sockets[name];
      if (socket === undefined) return [];
      const apiSocket = name === 'control' ? join(directory.runDirectory, apiSocketFile) : undefined;
      return [[name, addressOf(socket, tlsOf(specification, name)?.certificate, apiSocket)]];
    }),
  ) as PerListener<ListenerAddress>;
  const startedAt = clock.wall();
  directory.announce({ pid: process.pid, startedAt, listeners });

  const lifeline = join(directory.runDirectory, 'lifeline.sock');
  starting.use(await openLifeline(lifeline));

  const settings: ProcessSettings = {
    worker: 0,
    workers: specification.gateway.workers,
    serverName: specification.name,
    startedAt,
    dataDirectory: directory.path,
    runDirectory: directory.runDirectory,
    controlSocket: join(directory.runDirectory, 'control.sock'),
    lifeline,
    limits: {
      ...specification.limits,
      bodyBytesMax: toBytes(specification.limits.bodyBytesMax),
      headerBytesMax: toBytes(specification.limits.headerBytesMax),
    },
    runners: {
      prestarted: specification.runners.prestarted,
      preparedBytesMax: toBytes(specification.runners.preparedBytesMax),
    },
    registry: specification.registry,
    ...(specification.torchserve.modelStore !== undefined && { modelStore: specification.torchserve.modelStore }),
    ...(keysRequired && {
      auth: { adminKey: join(directory.path, adminKeyFile), workers: specification.gateway.workers },
    }),
    requestLog: specification.requestLog,
    listeners,
    logLevel: options.logLevel,
  };

  const ended = Promise.withResolvers<SupervisorEnd>();
  let draining: Promise<void> | undefined;
  // Also when a drain had begun: requests were cut off, and whoever reads the exit code is to know.
  let isAborted = false;
  const children: Child[] = [];
  const common = {
    clock,
    output,
    tls: (name: ListenerName) => tls.current(name),
    shutdown: (by: string) => void drain(`asked by ${by}`),
  };
  const hopeless =
    (role: string) =>
    (deaths: number, lastWords: string): void => {
      void end(0, `${role} died ${deaths} times at its start: ${lastWords}`, 1);
    };
  children.push(
    startChild({
      ...common,
      role: 'control',
      module: modulePath(import.meta.url, '../control/process'),
      settings: { ...settings, identity: identity('control') },
      sockets: {
        control: sockets.control,
        ...(sockets.management !== undefined && { management: sockets.management }),
      },
      hopeless: hopeless('control'),
    }),
  );
  const workers: Child[] = [];
  for (let worker = 0; worker < specification.gateway.workers; worker += 1)
    workers.push(
      startChild({
        ...common,
        role: 'gateway',
        module: modulePath(import.meta.url, '../gateway/process'),
        settings: { ...settings, worker, identity: identity('gateway') },
        sockets: { http: sockets.http, grpc: sockets.grpc },
        others() {
          const others = workers.filter((_, index) => index !== worker);
          return Promise.all(others.map((child) => child.statistics(figuresTimeoutMs)));
        },
        hopeless: hopeless('gateway'),
      }),
    );
  children.push(...workers);
  telemetry.registry.total(
    {
      name: 'flyball_process_restarts_total',
      help: 'Restarts of a process by the supervisor since `up`.',
      labels: ['role', 'worker'],
    },
    () =>
      children.map((child, index) => ({
        labels: { role: child.role, worker: String(Math.max(0, index - 1)) },
        value: child.restarts(),
      })),
  );
  telemetry.registry.gauge(
    {
      name: 'flyball_certificate_expiry_timestamp_seconds',
      help: 'Unix time at which the certificate of a listener expires.',
      labels: ['listener'],
    },
    () =>
      listenerNames.flatMap((listener) => {
        const material = tls.current(listener);
        return material === undefined ? [] : [{ labels: { listener }, value: material.notAfter / 1000 }];
      }),
  );
  const metrics = starting.use(
    await serveMetrics(
      sockets.metrics,
      {
        admit: keysRequired ? metricsDoor(clock, join(directory.runDirectory, keyTableFile)) : undefined,
        tls: tls.current('metrics'),
      },
      async () => [
        telemetry.families(),
        ...(await Promise.all(children.map((child) => child.metrics(figuresTimeoutMs)))),
      ],
      specification.torchserve.metricNames ? (families) => torchServeFamilies(families, hostname()) : undefined,
    ),
  );
  const resources = starting.move();

  function renew(name: ListenerName, material: TlsMaterial): void {
    if (name === 'metrics') metrics.renew(material);
    else for (const child of children) child.renew(name, material);
  }

  /** Gateways first: nothing may be admitted any more when the replicas go. */
  async function unwind(drainMs: number, reason: string, code: number): Promise<void> {
    publish('flyball:process', { role: 'supervisor', state: 'draining', pid: process.pid, reason });
    const of = (role: Child['role']): Promise<unknown> =>
      Promise.all(children.filter((child) => child.role === role).map((child) => child.drain(drainMs)));
    // A caller who comes now is refused by the kernel rather than left waiting in the backlog.
    sockets.http.close();
    sockets.grpc.close();
    await of('gateway');
    await of('control');
    await resources.disposeAsync();
    ended.resolve({ reason, code: isAborted ? abortedCode : code });
  }
  function end(drainMs: number, reason: string, code: number): Promise<void> {
    draining ??= unwind(drainMs, reason, code);
    return draining;
  }
  const drain = (reason: string): Promise<void> => end(specification.shutdown.drainMs, reason, 0);

  return {
    listeners,
    dataDirectory: directory.path,
    logFile: logPath,
    ready: allReady(children),
    closed: ended.promise,
    drain,
    reload: () => tls.reload(),
    async abort(reason) {
      // A drain under way waits with the long deadline; the children are told the short one as well.
      isAborted = true;
      const first = end(0, reason, abortedCode);
      await Promise.all(children.map((child) => child.drain(0)));
      await first;
    },
    [Symbol.asyncDispose]: () => drain('disposed'),
  };
}

function tlsOf({ listeners, tls }: Pick<Specification, 'listeners' | 'tls'>, name: ListenerName): TlsFiles | undefined {
  const listener = listeners[name];
  return listener === undefined ? undefined : (listener.tls ?? tls);
}

function tlsListeners(specification: Pick<Specification, 'listeners' | 'tls'>): Map<string, WatchedTls> {
  return new Map(
    listenerNames.flatMap((name) => {
      const files = tlsOf(specification, name);
      const what = specification.listeners[name]?.tls === undefined ? 'tls' : `listeners.${name}.tls`;
      return files === undefined ? [] : [[name, { what, files }] as const];
    }),
  );
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

async function allReady(children: readonly Child[]): Promise<void> {
  await Promise.all(children.map((child) => child.ready));
}

function bindAll(options: SupervisorOptions, stack: AsyncDisposableStack): PerListener<BoundSocket> {
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
