/**
 * Control as a child of the supervisor: learns everything over IPC, puts the parts together, and ends when it is told
 * to or when the supervisor is gone. It is the composition root of this process and nothing else.
 *
 *   waiting ──start──▶ [standing by ──has the lease──▶] starting ──the API listens──▶ ready ──drain──▶ replicas drained and ended ──▶ exit 0
 *                                                      └──SIGTERM | supervisor gone | told to leave──▶ exit, replicas stay
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, userInfo } from 'node:os';
import { join } from 'node:path';
import { startApi, type ApiServer } from '../api/server.ts';
import { torchServeManagement } from '../api/torchserve/management.ts';
import { startManagementServer, type ManagementServer } from '../api/torchserve/server.ts';
import { openAuthenticator } from '../auth/authenticator.ts';
import type { KeyTable } from '../auth/key-table.ts';
import { systemClock } from '../clock.ts';
import { openNotifier } from '../drivers/notifiers/open.ts';
import { openFileSeries } from '../drivers/series/files.ts';
import { openSharedSecrets, openStore } from '../drivers/stores/open.ts';
import { openTrust } from '../registry/trust.ts';
import { openRegistry } from '../registry/open-registry.ts';
import { seededRng } from '../rng.ts';
import type { PostgresSettings } from '../config/store-specification.ts';
import type { FromChild, ProcessSettings, ToChild } from '../supervisor/messages.ts';
import type { TlsMaterial } from '../tls/certificate.ts';
import { liveIdentity, type LiveIdentity } from '../tls/live-identity.ts';
import { publish } from '../telemetry/events.ts';
import { databaseFile, seriesFolder } from '../store/data-directory.ts';
import { apiSocketFile } from '../store/run-directory.ts';
import { readHost } from '../telemetry/host/read-host.ts';
import { startTelemetry, type Telemetry } from '../telemetry/start.ts';
import type { Control } from './control-options.ts';
import { startControl } from './control.ts';
import type { Door } from './door.ts';
import { registerMissed } from './family-questions.ts';
import { openArtefacts } from './open-artefacts.ts';
import { openOrchestrator } from './open-orchestrator.ts';
import type { HeldLease } from './lease/keep.ts';
import { standBy } from './lease/stand-by.ts';
import { ensureAdminKey } from './key-service.ts';
import { registerGauges, registerIssued } from './gauges.ts';
import { registerGovernorGauges } from './governor/gauges.ts';
import { openFamiliesQuestion } from './sinks/ask-families.ts';
import { registerSinkFamilies } from './sinks/families.ts';
import { shareAdminKey } from './shared-admin-key.ts';
import { storeSeen } from './store-seen.ts';

/** What a process of its own gets of the deadline for answering the last calls of the API. */
const apiDrainMs = 1000;

interface Running {
  readonly control: Control;
  readonly door: Door | undefined;
  readonly resources: AsyncDisposableStack;
}

let telemetry: Telemetry | undefined;
let starting: Promise<Running> | undefined;
let settings: ProcessSettings | undefined;
/** What it shows to replicas. */
let identity: LiveIdentity | undefined;
let api: ApiServer | undefined;
let management: ManagementServer | undefined;
let ending = false;
/** Ends the wait for a lease. */
const leaving = new AbortController();
const keys = openAuthenticator(systemClock);

const tell = (message: FromChild): void => {
  // The callback takes the error of a supervisor that has just gone; 'disconnect' deals with it.
  if (process.connected) process.send?.(message, undefined, {}, () => {});
};
const families = openFamiliesQuestion((ask) => tell({ kind: 'families', ask }), systemClock);

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

async function start(given: ProcessSettings, opened: Telemetry): Promise<Running> {
  const { dataDirectory, runDirectory, auth } = given;
  await using stack = new AsyncDisposableStack();
  const databasePath = join(dataDirectory, databaseFile);
  const holder = `${given.node}:${dataDirectory}, up since ${new Date(given.startedAt).toISOString()}`;
  // First, so that it is given up last.
  const held = given.store.kind === 'sqlite' ? undefined : stack.use(await standByFor(given.store, holder));
  const store = stack.use(await openStore(given.store, databasePath, systemClock, held?.fence));
  if (auth !== undefined) {
    await ensureAdminKey(store, systemClock, { path: auth.adminKey, given: auth.givenKey, name: userName() });
    await using secrets = auth.givenKey === undefined ? await openSharedSecrets(given.store, systemClock) : undefined;
    if (secrets !== undefined) await shareAdminKey(secrets, store, auth.adminKey);
  }
  const bytes = await openArtefacts({
    dataDirectory,
    store: given.store,
    fence: held?.fence,
    clock: systemClock,
    stack,
  });
  const registry = openRegistry({
    store,
    artefacts: bytes.artefacts,
    clock: systemClock,
    unusedAfterMs: given.registry.unusedAfterMs,
    trust: openTrust(given.registry),
  });
  // Until the modes are known, nothing that others have done is put right.
  let corrects = (_deployment: string): boolean => false;
  const { orchestrator, door } = await openOrchestrator({
    settings: given,
    artefacts: bytes.artefacts,
    clock: systemClock,
    version,
    stack,
    corrects: (deployment) => corrects(deployment),
    mayIssue: () => held?.mayAct() ?? true,
  });
  const control = stack.use(
    await startControl({
      store,
      registry,
      seriesLog: openFileSeries(join(dataDirectory, seriesFolder)),
      orchestrator,
      clock: systemClock,
      cores: availableParallelism(),
      node: { name: given.node, read: readHost },
      serverName: given.serverName,
      version,
      startedAt: given.startedAt,
      dataDirectory,
      runDirectory,
      controlSocket: given.controlSocket,
      listeners: given.listeners,
      identity,
      ...(auth !== undefined && {
        keys: {
          gateways: Array.from({ length: auth.workers }, (_, worker) => worker),
          apply: (table: KeyTable) => keys.apply(table),
        },
      }),
      telemetry: {
        families: () => families.ask(),
        // Pauses that differ between platforms are all that is wanted of it.
        rng: seededRng(systemClock.wall()),
      },
      epoch: held?.fence.token,
      openNotifier,
      storeSeen: storeSeen(
        given.store,
        databasePath,
        held === undefined ? given.node : holder,
        held?.fence.token,
        given.authority !== undefined || (given.store.kind === 'postgres' && given.store.sealKeyFile !== undefined),
        given.workers === 0,
      ),
      onShutdown: (by) => tell({ kind: 'shutdown', by }),
    }),
  );
  bytes.move(store, registry);
  corrects = (name) => {
    const mode = control.deployments().find((deployment) => deployment.name === name)?.governor?.mode;
    return mode !== undefined && mode !== 'advise';
  };
  registerGauges(opened.registry, () => control.deployments());
  registerGovernorGauges(
    opened.registry,
    () => control.deployments(),
    (name) => control.halt(name) !== undefined,
  );
  control.nodes.register(opened.registry);
  if (door !== undefined) registerIssued(opened.registry, () => door.counts());
  registerSinkFamilies(opened.registry, () => control.sinks());
  registerMissed(opened.registry, () => control.familiesMissed());
  return { control, door, resources: stack.move() };
}

/** Waits for the lease, and ends this process when it is lost: another may act by then. */
async function standByFor(settings: PostgresSettings, holder: string): Promise<HeldLease> {
  const say = (state: 'standby' | 'started', reason: string): void =>
    publish('flyball:process', { role: 'control', state, pid: process.pid, reason });
  const held = await standBy(
    settings,
    {
      holder,
      clock: systemClock,
      onWaiting(why) {
        say('standby', why);
        tell({ kind: 'standby', why });
      },
      onTrouble(error) {
        const message = error instanceof Error ? error.message : String(error);
        publish('flyball:fault', { where: 'lease', message, error });
      },
    },
    leaving.signal,
  );
  say('started', `it holds the lease under token ${held.fence.token}`);
  void held.lost.then((reason) => fail('lease')(new Error(`${reason}; this control steps down`)));
  return held;
}

/** Whose the first key is: whoever started the platform. A container's user may have no name at all. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'operator';
  }
}

async function listen(handle: object, tls: TlsMaterial | undefined): Promise<void> {
  const running = await starting;
  if (running === undefined || settings === undefined) return;
  const { control } = running;
  api = await startApi({
    control: control.service,
    version,
    auth: settings.auth === undefined ? undefined : keys,
    limits: settings.limits,
    tls,
    listen: { kind: 'handle', handle },
    socketPath: join(settings.runDirectory, apiSocketFile),
  });
  running.door?.serveGateways({ take: control.takeGateway, api: api.answerGateway });
  tell({ kind: 'ready' });
}

/** Not waited for by anybody: the platform is ready without it. */
async function listenManagement(handle: object, tls: TlsMaterial | undefined): Promise<void> {
  const running = await starting;
  if (running === undefined || settings === undefined) return;
  management = await startManagementServer({
    management: torchServeManagement(running.control.service, settings.modelStore),
    version,
    auth: settings.auth === undefined ? undefined : keys,
    limits: settings.limits,
    tls,
    handle,
  });
}

/** The platform stops: the gateways are gone already, so that nothing is in flight any more. */
async function drain(deadlineMs: number): Promise<void> {
  if (ending) return;
  ending = true;
  leaving.abort();
  publish('flyball:process', { role: 'control', state: 'draining', pid: process.pid, reason: 'the platform stops' });
  const running = await starting?.catch(() => undefined);
  await Promise.all([
    api?.drain(Math.min(deadlineMs, apiDrainMs)),
    management?.drain(Math.min(deadlineMs, apiDrainMs)),
    running?.control.drain(deadlineMs),
  ]);
  await running?.resources.disposeAsync();
  process.exit(0);
}

/** Replicas go on without us: the next control adopts them, or their lifeline tells them that nobody will. */
async function leave(): Promise<void> {
  if (ending) return;
  ending = true;
  leaving.abort();
  const running = await starting?.catch(() => undefined);
  await Promise.all([api?.drain(0), management?.drain(0)]);
  await running?.resources.disposeAsync();
  process.exit(0);
}

function fail(where: string): (error: unknown) => void {
  return (error) => {
    // Told to end while it waited: what waits for the start hears that it will not come.
    if (leaving.signal.aborted && (where === 'start' || where === 'listener')) return;
    const message = error instanceof Error ? error.message : String(error);
    publish('flyball:fault', { where, message, error });
    // The supervisor shows the last words of a child that never starts.
    process.stderr.write(`${where}: ${message}\n`);
    process.exit(1);
  };
}

process.on('message', (message: ToChild, handle?: object) => {
  switch (message.kind) {
    case 'start':
      settings = message.settings;
      identity = settings.identity && liveIdentity(settings.identity);
      telemetry = startTelemetry({ role: 'control', logLevel: settings.logLevel });
      starting = start(settings, telemetry);
      starting.catch(fail('start'));
      break;
    case 'listener':
      if (handle === undefined) break;
      (message.name === 'management' ? listenManagement(handle, message.tls) : listen(handle, message.tls)).catch(
        fail('listener'),
      );
      break;
    case 'identity':
      identity?.replace(message.identity);
      break;
    case 'tls':
      if (message.name === 'management') management?.renew(message.tls);
      else api?.renew(message.tls);
      break;
    case 'metrics':
      tell({ kind: 'metrics', ask: message.ask, families: telemetry?.families() ?? [] });
      break;
    case 'families':
      families.answered(message.ask, message.parts);
      break;
    case 'statistics':
    case 'other workers':
      break; // of gateway workers alone
    case 'drain':
      (message.replicasStay === true ? leave() : drain(message.deadlineMs)).catch(fail('drain'));
      break;
    default:
      message satisfies never;
  }
});
process.on('disconnect', () => {
  leave().catch(fail('end'));
});
process.on('SIGTERM', () => {
  leave().catch(fail('end'));
});
// Ctrl-C reaches the whole process group; the supervisor alone decides the order of the end.
process.on('SIGINT', () => {});
