/**
 * The supervisor of one machine: holds the data directory, the listening sockets and the lifeline, starts the processes of
 * its role (control, gateway workers, or both) and keeps them alive. It serves no request and decides nothing about replicas.
 * Order of the end: gateways finish what is in flight, then control drains and stops the replicas, then the sockets go.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { keyTableFile } from '../auth/key-table.ts';
import type { Specification } from '../config/specification.ts';
import { checkStore } from '../drivers/stores/open.ts';
import type { DoorNews } from '../gateway/door-news.ts';
import { modulePath } from '../module-path.ts';
import { seededRng } from '../rng.ts';
import { logFileName, openDataDirectory } from '../store/data-directory.ts';
import type { TlsMaterial } from '../tls/certificate.ts';
import { watchTls } from '../tls/watch.ts';
import { publish } from '../telemetry/events.ts';
import type { FamiliesOf } from '../telemetry/metrics.ts';
import { startTelemetry } from '../telemetry/start.ts';
import { torchServeFamilies } from '../telemetry/torchserve-names.ts';
import { startChild, type Child } from './child.ts';
import { openIdentities } from './identities.ts';
import { openLifeline } from './lifeline.ts';
import { addressesOf, openAll, tlsListeners, type BindOptions, type ListenerAddress } from './listeners.ts';
import { openLogFile } from './log-file.ts';
import { metricsDoor } from './metrics-door.ts';
import { serveMetrics } from './metrics-endpoint.ts';
import { registerFamilies } from './own-families.ts';
import { processSettings, type ProcessSpecification } from './process-settings.ts';
import { shareSecrets } from './shared-secrets.ts';
import {
  childrenOf,
  type ListenerName,
  type PerListener,
  type PlannedChild,
  type Role,
  type RoleKind,
} from './roles.ts';

export interface SupervisorOptions<Kind extends RoleKind = RoleKind> extends BindOptions {
  readonly role: Role & { readonly kind: Kind };
  readonly dataDirectory: string;
  readonly specification: ProcessSpecification & Pick<Specification, 'listeners' | 'tls' | 'shutdown'>;
  readonly logLevel: string;
  /** Also hand every log line to the caller (`up -v`). */
  readonly onLog?: (chunk: Uint8Array | string) => void;
  /** Control waits until it may act, and why: another holds the store. */
  readonly onStandby?: (why: string) => void;
  /** Whether a gateway alone has found control, each time that it changes. */
  readonly onDoors?: (news: DoorNews) => void;
  readonly clock: Clock;
}

export interface SupervisorEnd {
  readonly reason: string;
  /** 0 after a drain, 1 when the platform could not be kept up. */
  readonly code: number;
}

/** As a shell has it for SIGINT. */
const abortedCode = 130;

export interface Supervisor<Kind extends RoleKind = RoleKind> extends AsyncDisposable {
  readonly listeners: PerListener<ListenerAddress, Kind>;
  readonly dataDirectory: string;
  readonly logFile: string;
  /** Fulfilled when every process of the role has been ready once; rejected when one cannot start. */
  readonly ready: Promise<void>;
  /** Fulfilled when everything has ended, whoever asked for it. */
  readonly closed: Promise<SupervisorEnd>;
  /** Reads certificates again, as SIGHUP asks for. */
  reload(): void;
  /** Ends everything in order; further calls wait for the first. */
  drain(reason: string): Promise<void>;
  /** Ends only what runs under this supervisor: replicas on other machines stay, for the control that comes next. */
  leave(reason: string): Promise<void>;
  /** Ends everything at once: what is in flight is lost. */
  abort(reason: string): Promise<void>;
}

/** For one process to tell its metrics, or what it has counted. */
const figuresTimeoutMs = 1_000;
const msPerHour = 3_600_000;

const modules: Readonly<Record<PlannedChild['role'], string>> = {
  control: modulePath(import.meta.url, '../control/process'),
  gateway: modulePath(import.meta.url, '../gateway/process'),
};

export async function startSupervisor<Kind extends RoleKind>(
  options: SupervisorOptions<Kind>,
): Promise<Supervisor<Kind>> {
  const { specification, clock } = options;
  const role: Role = options.role;
  const keysRequired = specification.auth.keys === 'required';
  await using starting = new AsyncDisposableStack();

  const directory = starting.use(await openDataDirectory(options.dataDirectory));
  if (role.kind !== 'gateway') {
    // A store that cannot be used is told here in its own words, not as a control that dies again and again.
    await checkStore(specification.store, directory.databasePath, clock);
    directory.rememberStore(specification.store);
  }
  if (role.kind === 'platform') await shareSecrets(specification.store, directory.path, specification.name, clock);
  const logPath = join(directory.path, logFileName);
  const logFile = starting.adopt(openLogFile(logPath), (file) => file.close());
  const output = (chunk: Uint8Array | string): void => {
    logFile.write(chunk);
    options.onLog?.(chunk);
  };
  const telemetry = startTelemetry({ role: 'supervisor', logLevel: options.logLevel, sink: output });

  // Before anything is bound: a certificate that does not work is said at once.
  const tls = watchTls(tlsListeners(specification, role.kind), clock, (name, material) =>
    renew(name as ListenerName, material),
  );
  starting.defer(() => tls.close());
  let children: readonly Child[] = [];
  const identities = starting.use(
    await openIdentities({
      role,
      dataDirectory: directory.path,
      name: specification.name,
      lifetimeMs: specification.orchestrator.certificateHours * msPerHour,
      clock,
      rng: seededRng(clock.wall() + process.pid),
      onRenewed(name, identity) {
        for (const child of children) if (child.role === name) child.identify(identity);
      },
    }),
  );
  const sockets = await openAll(options, options.role.kind, starting);
  const listeners = addressesOf<Kind>(sockets, specification, directory.runDirectory);
  const startedAt = clock.wall();
  const announce = (standby?: string): void =>
    directory.announce({ pid: process.pid, startedAt, listeners, ...(standby !== undefined && { standby }) });
  announce();

  const lifeline = join(directory.runDirectory, 'lifeline.sock');
  starting.use(await openLifeline(lifeline));

  const settings = processSettings({
    role,
    specification,
    directory,
    listeners,
    lifeline,
    startedAt,
    logLevel: options.logLevel,
  });

  const ended = Promise.withResolvers<SupervisorEnd>();
  let draining: Promise<void> | undefined;
  // Also when a drain had begun: requests were cut off, and whoever reads the exit code is to know.
  let isAborted = false;
  children = childrenOf(role.kind, specification.gateway.workers).map(start);

  function start({ role: name, worker, listeners: served }: PlannedChild): Child {
    return startChild({
      role: name,
      worker,
      module: modules[name],
      settings: () => ({ ...settings, worker, identity: identities.of(name) }),
      sockets: Object.fromEntries(served.flatMap((each) => (sockets[each] ? [[each, sockets[each]]] : []))),
      clock,
      tls: (each) => tls.current(each),
      output,
      others() {
        const others = children.filter((child) => child.role === 'gateway' && child.worker !== worker);
        return Promise.all(others.map((child) => child.statistics(figuresTimeoutMs)));
      },
      families: () => collect(),
      started() {
        if (name === 'control') announce();
      },
      standby(why) {
        announce(why);
        options.onStandby?.(why);
      },
      doors(news) {
        // The others say the same.
        if (worker === 0) options.onDoors?.(news);
      },
      shutdown: (by) => void drain(`asked by ${by}`),
      hopeless(deaths, lastWords) {
        void end(0, `${name} died ${deaths} times at its start: ${lastWords}`, 1);
      },
    });
  }

  registerFamilies(telemetry.registry, children, (name) => tls.current(name), identities);
  const metrics = starting.use(
    await serveMetrics(
      sockets.metrics,
      {
        admit: keysRequired ? metricsDoor(clock, join(directory.runDirectory, keyTableFile)) : undefined,
        tls: tls.current('metrics'),
      },
      async () => (await collect()).map(({ families }) => families),
      specification.torchserve.metricNames ? (families) => torchServeFamilies(families, hostname()) : undefined,
    ),
  );
  const resources = starting.move();

  async function collect(): Promise<readonly FamiliesOf[]> {
    const parts = children.map(async (child) => ({
      source: `${child.role} ${child.worker}`,
      families: await child.metrics(figuresTimeoutMs),
    }));
    return [{ source: 'supervisor', families: telemetry.families() }, ...(await Promise.all(parts))];
  }

  function renew(name: ListenerName, material: TlsMaterial): void {
    if (name === 'metrics') metrics.renew(material);
    else for (const child of children) child.renew(name, material);
  }

  /** Gateways first: nothing may be admitted any more when the replicas go. */
  async function unwind(drainMs: number, reason: string, code: number, replicasStay: boolean): Promise<void> {
    publish('flyball:process', { role: 'supervisor', state: 'draining', pid: process.pid, reason });
    const of = (role: Child['role']): Promise<unknown> =>
      Promise.all(children.filter((child) => child.role === role).map((child) => child.drain(drainMs, replicasStay)));
    // A caller who comes now is refused by the kernel rather than left waiting in the backlog.
    sockets.http?.close();
    sockets.grpc?.close();
    await of('gateway');
    await of('control');
    await resources.disposeAsync();
    ended.resolve({ reason, code: isAborted ? abortedCode : code });
  }
  function end(drainMs: number, reason: string, code: number, replicasStay = false): Promise<void> {
    draining ??= unwind(drainMs, reason, code, replicasStay);
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
    leave: (reason) => end(specification.shutdown.drainMs, reason, 0, true),
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

async function allReady(children: readonly Child[]): Promise<void> {
  await Promise.all(children.map((child) => child.ready));
}
