/**
 * A gateway worker: learns everything from the supervisor over IPC, puts the parts together, and ends when it is told
 * to or when the supervisor is gone. It is the composition root of this process and nothing else.
 *
 *   waiting ──start──▶ starting ──both listeners──▶ ready ──drain | SIGTERM | supervisor gone──▶ draining ──▶ exit
 */
import http2 from 'node:http2';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Server } from 'node:net';
import { join, resolve } from 'node:path';
import { openAuthenticator, type Authenticator } from '../auth/authenticator.ts';
import { keyTableFile, readKeyTable } from '../auth/key-table.ts';
import { systemClock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import { grpcHttp2Options, openGrpc, type GrpcServer } from '../protocol/grpc/server.ts';
import { doorFile } from '../protocol/local-door.ts';
import { isLoopbackName } from '../protocol/origin-check.ts';
import { restHandler } from '../protocol/rest/server.ts';
import { apiSocketFile } from '../store/run-directory.ts';
import type { FromChild, ProcessSettings, ToChild } from '../supervisor/messages.ts';
import { contextOptions, serverOptions, type TlsMaterial } from '../tls/certificate.ts';
import { liveIdentity, type LiveIdentity } from '../tls/live-identity.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import { publish } from '../telemetry/events.ts';
import { startTelemetry, type Telemetry } from '../telemetry/start.ts';
import type { ControlAddress, ControlDoors } from './control-dial.ts';
import { openControlLink, type ControlLink } from './control-link.ts';
import { createDispatcher, watchEveryMs, type Dispatcher } from './dispatcher.ts';
import { registerGauges } from './gauges.ts';
import { grpcDoor } from './grpc-door.ts';
import { guardedRest } from './guarded-rest.ts';
import { listenHttp, type HttpListener } from './http-listener.ts';
import { openKeptTables, readLastTable, routingTableFile } from './kept-tables.ts';
import { openLocalDoor, type LocalDoor } from './local-door.ts';
import { openManagement } from './management.ts';
import { openOtherWorkers, type OtherWorkers } from './other-workers.ts';
import { openReplicaConnection } from './replica-connection.ts';
import { toBytes } from '../config/specification.ts';
import { logKeyFile } from '../request-log/key.ts';
import { withRequestLog } from '../request-log/logged-service.ts';
import type { SinkSettings } from '../request-log/record.ts';
import { openRequestLog, startLogThread, type RequestLog } from '../request-log/request-log.ts';
import { letRequestsPassThrough } from '../engine-flags.ts';
import { ownPagesOnly } from './own-pages.ts';
import { answerTo } from './questions.ts';
import { createGatewayService, type GatewayService } from './service.ts';
import { recordSpans } from './spans.ts';
import { allStatistics } from './statistics.ts';

/** An answer may be larger than what was asked, but not without bound. */
const answerBytesMin = 256 * 1_048_576;
/** Ahead of replicas, behind what the system itself runs at -10 and below. */
const gatewayNiceness = -5;
/** What waits for the request log's sink at the end of the platform may take this long. */
const requestLogCloseMs = 2000;
/** Without a supervisor nobody says how long a drain may take. */
const orphanDrainMs = 30_000;

interface Worker {
  readonly settings: ProcessSettings;
  /** What it shows to replicas and to control's doors; whoever connects reads it at that moment. */
  readonly identity: LiveIdentity | undefined;
  readonly telemetry: Telemetry;
  readonly dispatcher: Dispatcher;
  readonly service: GatewayService;
  readonly requestLog: RequestLog;
  readonly others: OtherWorkers;
  readonly link: ControlLink;
  readonly door: LocalDoor;
  /** Where callers need keys. */
  readonly auth: Authenticator | undefined;
  http: HttpListener | undefined;
  grpc: { readonly server: http2.Http2Server | http2.Http2SecureServer; readonly calls: GrpcServer } | undefined;
}

let worker: Worker | undefined;
let draining = false;

const tell = (message: FromChild): void => {
  // The callback takes the error of a supervisor that has just gone; 'disconnect' deals with it.
  if (process.connected) process.send?.(message, undefined, {}, () => {});
};

/**
 * Answers that cost nothing, refusals above all, must not queue for a core behind inference that saturates the machine
 * (measured at three times capacity: refusals at p99 19 → 6 ms). Only a privileged user may; others go on as they are.
 */
function goFirst(): void {
  try {
    os.setPriority(gatewayNiceness);
  } catch {
    // Not permitted.
  }
}

function start(settings: ProcessSettings): Worker {
  goFirst();
  const telemetry = startTelemetry({ role: 'gateway', worker: settings.worker, logLevel: settings.logLevel });
  const frameBytesMax = Math.max(settings.limits.bodyBytesMax * 4, answerBytesMin);
  const identity = settings.identity && liveIdentity(settings.identity);
  const dispatcher = createDispatcher({
    clock: systemClock,
    connect: (route, events) =>
      openReplicaConnection(route, events, {
        clock: systemClock,
        frameBytesMax,
        identity,
        epoch: () => dispatcher.table.epoch ?? 0,
      }),
    onDrained: () => link.observeSoon(),
    onWaiting: () => link.observeSoon(),
  });
  setInterval(() => dispatcher.watch(), watchEveryMs).unref();
  const { auth } = settings;
  const authenticator = auth === undefined ? undefined : openAuthenticator(systemClock, auth.workers);
  authenticator?.apply(readKeyTable(join(settings.runDirectory, keyTableFile)));
  const spans = recordSpans(systemClock);
  const elsewhere = doorsOf(settings, identity);
  const control: ControlAddress = elsewhere ?? { kind: 'unix', path: settings.controlSocket };
  const kept = elsewhere && openKeptTables(settings.runDirectory, settings.worker);
  const link = openControlLink({
    worker: settings.worker,
    control,
    node: settings.node,
    kept,
    dispatcher,
    clock: systemClock,
    keys: authenticator,
    answer: (question) => answerTo(service, question),
    spans,
    families: () => telemetry.families(),
    onDoors(news) {
      tell({ kind: 'doors', news });
      const message =
        news.kind === 'none'
          ? `no door leads to control; the last table stands: ${news.why}`
          : `control is at ${news.url}`;
      if (news.kind === 'none') publish('flyball:fault', { where: 'control link', message });
      else publish('flyball:control', { action: 'reached', subject: 'control', by: 'gateway', reason: message });
    },
  });
  const last = readLastTable(join(settings.runDirectory, routingTableFile));
  if (last !== undefined) dispatcher.apply(last);
  registerGauges(telemetry.registry, dispatcher, settings.worker);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const management = openManagement({
    control: elsewhere ?? { kind: 'unix', path: join(settings.runDirectory, apiSocketFile) },
    clock: systemClock,
  });
  const { limits, logLevel } = settings;
  const requestLog = openRequestLog({
    registry: telemetry.registry,
    clock: systemClock,
    chance: Math.random,
    bufferBytesMax: toBytes(settings.requestLog.bufferBytesMax),
    start: () => startLogThread(sinkSettings(settings)),
  });
  const others = openOtherWorkers((ask) => tell({ kind: 'other workers', ask }), systemClock);
  const service = withRequestLog(
    createGatewayService({
      dispatcher,
      clock: systemClock,
      version,
      limits,
      logLevel,
      management,
      others: settings.workers > 1 ? () => others.statistics() : undefined,
    }),
    dispatcher,
    requestLog,
    systemClock,
  );
  const door = openLocalDoor(service, limits, join(settings.runDirectory, doorFile(settings.worker)));
  return {
    settings,
    identity,
    telemetry,
    door,
    dispatcher,
    service,
    requestLog,
    others,
    link,
    auth: authenticator,
    http: undefined,
    grpc: undefined,
  };
}

/** Where control is on another machine. */
function doorsOf({ doors }: ProcessSettings, identity: PeerIdentity | undefined): ControlDoors | undefined {
  if (doors === undefined) return undefined;
  if (identity === undefined) throw new FlyballError('TLS_UNUSABLE', "control's doors want a certificate, got none");
  return { kind: 'doors', urls: doors, identity };
}

function sinkSettings({ requestLog, dataDirectory, worker, workers }: ProcessSettings): SinkSettings {
  const { folder, fileBytesMax, totalBytesMax, url, timeoutMs } = requestLog;
  return {
    folder: resolve(dataDirectory, folder ?? 'request-log'),
    worker,
    fileBytesMax: toBytes(fileBytesMax),
    totalBytesMax: Math.floor(toBytes(totalBytesMax) / workers),
    url,
    timeoutMs,
    keyPath: join(dataDirectory, logKeyFile),
  };
}

async function listen(to: Worker, name: 'http' | 'grpc', handle: Server, tls: TlsMaterial | undefined): Promise<void> {
  const { limits } = to.settings;
  if (name === 'http') {
    const { service, auth } = to;
    const handler =
      auth === undefined
        ? ownPagesOnly(restHandler(service, { limits }), () => isOnLoopback(to.http?.server))
        : guardedRest(service, { limits }, auth);
    to.http = await listenHttp(handle, handler, limits, systemClock, tls);
  } else {
    const calls = openGrpc(to.service, {
      limits: {
        messageBytesMax: limits.bodyBytesMax,
        tensorElementsMax: limits.tensorElementsMax,
        requestTimeoutMs: limits.requestTimeoutMs,
      },
      door: to.auth === undefined ? undefined : grpcDoor(to.service, to.auth),
    });
    const server =
      tls === undefined
        ? http2.createServer(grpcHttp2Options)
        : http2.createSecureServer({ ...grpcHttp2Options, ...serverOptions(tls), ALPNProtocols: ['h2'] });
    calls.attach(server);
    server.maxConnections = limits.connectionsMax;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(handle, resolve);
    });
    to.grpc = { server, calls };
  }
  if (to.http === undefined || to.grpc === undefined) return;
  tell({ kind: 'ready' });
  letRequestsPassThrough();
}

function isOnLoopback(server: Server | undefined): boolean {
  const address = server?.address();
  return typeof address === 'object' && address !== null && isLoopbackName(address.address);
}

function renew(to: Worker, name: string, tls: TlsMaterial): void {
  if (name === 'http') to.http?.renew(tls);
  else if (to.grpc !== undefined && 'setSecureContext' in to.grpc.server)
    to.grpc.server.setSecureContext(contextOptions(tls));
}

async function drain(deadlineMs: number, reason: string): Promise<void> {
  if (draining) return;
  draining = true;
  if (worker === undefined) process.exit(0);
  const { service, requestLog, link, http, grpc, dispatcher, door } = worker;
  publish('flyball:process', { role: 'gateway', state: 'draining', pid: process.pid, reason });
  service.drain();
  const signal = AbortSignal.timeout(deadlineMs);
  grpc?.server.close();
  door.close();
  await Promise.all([http?.drain(signal), grpc?.calls.drain(signal)]);
  dispatcher.close('the server has shut down');
  await requestLog.close(AbortSignal.any([signal, AbortSignal.timeout(requestLogCloseMs)]));
  link.close();
  process.exit(signal.aborted ? 1 : 0);
}

function fail(where: string): (error: unknown) => void {
  return (error) => {
    publish('flyball:fault', { where, message: error instanceof Error ? error.message : String(error), error });
    process.exit(1);
  };
}

process.on('message', (message: ToChild, handle?: unknown) => {
  switch (message.kind) {
    case 'start':
      worker = start(message.settings);
      break;
    case 'listener':
      if (worker !== undefined && message.name !== 'control' && message.name !== 'management')
        listen(worker, message.name, handle as Server, message.tls).catch(fail(`listener ${message.name}`));
      break;
    case 'tls':
      if (worker !== undefined) renew(worker, message.name, message.tls);
      break;
    case 'identity':
      worker?.identity?.replace(message.identity);
      break;
    case 'metrics':
      tell({ kind: 'metrics', ask: message.ask, families: worker?.telemetry.families() ?? [] });
      break;
    case 'statistics':
      tell({
        kind: 'statistics',
        ask: message.ask,
        statistics: worker === undefined ? [] : allStatistics(worker.dispatcher),
      });
      break;
    case 'other workers':
      worker?.others.receive(message.ask, message.statistics);
      break;
    case 'families':
      break; // control alone asks for them
    case 'drain':
      drain(message.deadlineMs, 'the supervisor asked for it').catch(fail('drain'));
      break;
    default:
      message satisfies never;
  }
});
process.on('disconnect', () => {
  drain(orphanDrainMs, 'the supervisor is gone').catch(fail('drain'));
});
process.on('SIGTERM', () => {
  drain(orphanDrainMs, 'SIGTERM').catch(fail('drain'));
});
// Ctrl-C reaches the whole process group; the supervisor alone decides the order of the end.
process.on('SIGINT', () => {});
