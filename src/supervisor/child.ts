/**
 * One supervised process: started, given its settings and sockets, restarted with back-off when it dies.
 *
 *   starting ──ready──▶ running ──exit──▶ waiting ──delay──▶ starting
 *       └────exit────▶ waiting            drain: running ──▶ draining ──exit──▶ stopped
 *
 * Invariant: at most one process at a time; after `drain` none is started again.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { compiledFolder } from '../store/data-directory.ts';
import type { DoorNews } from '../gateway/door-news.ts';
import { publish } from '../telemetry/events.ts';
import type { TlsMaterial } from '../tls/certificate.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import type { FamiliesOf, MetricFamily } from '../telemetry/metrics.ts';
import type { ModelStatistics } from '../protocol/inference.ts';
import type { BoundSocket } from './listening-socket.ts';
import type { FromChild, ProcessSettings, ToChild } from './messages.ts';
import { restartDelayMs } from './restart-delay.ts';
import type { PlannedChild, ServedListener } from './roles.ts';

export interface ChildPlan {
  readonly role: PlannedChild['role'];
  readonly worker: number;
  readonly module: string;
  /** Of the process that is started now. */
  settings(): ProcessSettings;
  readonly sockets: Readonly<Partial<Record<ServedListener, BoundSocket>>>;
  readonly clock: Clock;
  /** The certificate that the listener serves with now, if any. */
  tls(name: ServedListener): TlsMaterial | undefined;
  /** Standard output and error of the process, as it comes. */
  output(chunk: Uint8Array): void;
  /** What the other gateway workers have counted; control asks for none. */
  others?(): Promise<readonly (readonly ModelStatistics[])[]>;
  /** What all processes have counted, for control; gateway workers ask for none. */
  families?(): Promise<readonly FamiliesOf[]>;
  /** Its process is ready: the first, and each that has followed. */
  started?(): void;
  /** Control waits for its turn, and why. */
  standby?(why: string): void;
  /** What a gateway has to tell of control's doors. */
  doors?(news: DoorNews): void;
  /** Somebody asked control for the whole platform to stop. */
  shutdown(by: string): void;
  /** The process has died this many times in a row without ever having been ready. */
  hopeless(deaths: number, lastWords: string): void;
}

export interface Child {
  readonly role: ChildPlan['role'];
  readonly worker: number;
  /** Fulfilled when the first process is ready. */
  readonly ready: Promise<void>;
  restarts(): number;
  /** Another certificate for one of its listeners; one that it does not have is ignored. */
  renew(name: ServedListener, tls: TlsMaterial): void;
  /** Another identity than it was started with; its successors are given theirs at their start. */
  identify(identity: PeerIdentity): void;
  /** Empty from one that is just gone, or that takes longer. */
  metrics(timeoutMs: number): Promise<readonly MetricFamily[]>;
  /** Of a gateway worker, likewise. */
  statistics(timeoutMs: number): Promise<readonly ModelStatistics[]>;
  /**
   * Ends it: asks it to drain, aborts it at the deadline. Safe to call twice. `replicasStay`: control ends alone, and the
   * next one adopts what runs.
   */
  drain(deadlineMs: number, replicasStay?: boolean): Promise<void>;
}

/** A child that lived this long has earned an immediate restart again. */
const stableMs = 10_000;
const hopelessDeaths = 4;
const lastWordsBytes = 2_000;
const killGraceMs = 500;

type Answer = Extract<FromChild, { readonly kind: 'metrics' | 'statistics' }>;

export function startChild(plan: ChildPlan): Child {
  const { role, worker, clock } = plan;
  const firstReady = Promise.withResolvers<void>();
  // Nobody may be waiting when the platform is given up before its first child is ready.
  firstReady.promise.catch(() => {});
  const asked = new Map<number, (answer: Answer | undefined) => void>();
  let current: ChildProcess | undefined;
  let deathsInARow = 0;
  let restarts = 0;
  let everReady = false;
  let draining = false;
  let nextAsk = 1;
  let cancelRestart = (): void => {};

  const send = (child: ChildProcess, message: ToChild, handle?: BoundSocket): void => {
    // A child that has just died cannot be told anything; its exit is what matters and is on its way.
    child.send(message, handle?.handle, {}, () => {});
  };

  const start = (): void => {
    const startedAt = clock.now();
    const settings = plan.settings();
    let lastWords = '';
    const child = fork(plan.module, [], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        // Its own and not a folder that all users share; whatever a child starts reads it too.
        NODE_COMPILE_CACHE: join(settings.dataDirectory, compiledFolder),
        ...process.env,
        ORT_DISABLE_TELEMETRY: '1',
      },
    });
    current = child;
    const onOutput = (chunk: Uint8Array): void => {
      lastWords = (lastWords + Buffer.from(chunk).toString('utf8')).slice(-lastWordsBytes);
      plan.output(chunk);
    };
    child.stdout?.on('data', onOutput);
    child.stderr?.on('data', onOutput);
    child.on('message', (message: FromChild) => {
      switch (message.kind) {
        case 'ready':
          everReady = true;
          firstReady.resolve();
          plan.started?.();
          publish('flyball:process', { role, state: 'started', pid: child.pid ?? 0, reason: 'ready' });
          break;
        case 'metrics':
        case 'statistics':
          asked.get(message.ask)?.(message);
          break;
        case 'other workers':
          void plan.others?.().then((statistics) => send(child, { ...message, statistics }));
          break;
        case 'families':
          void plan.families?.().then((parts) => send(child, { ...message, parts }));
          break;
        case 'standby':
          // It lives and may wait for ever: that is no start that failed.
          deathsInARow = 0;
          plan.standby?.(message.why);
          break;
        case 'doors':
          plan.doors?.(message.news);
          break;
        case 'shutdown':
          plan.shutdown(message.by);
          break;
      }
    });
    // `close` and not `exit`: by then the last words have been read.
    child.on('close', (code, signal) => {
      current = undefined;
      for (const answer of asked.values()) answer(undefined);
      const reason = signal === null ? `exit code ${code}` : `killed by ${signal}`;
      publish('flyball:process', { role, state: 'exited', pid: child.pid ?? 0, reason });
      if (draining) return;
      deathsInARow = clock.now() - startedAt > stableMs ? 1 : deathsInARow + 1;
      if (!everReady && deathsInARow >= hopelessDeaths) {
        firstReady.reject(new Error(`${role} did not start: ${reason}`));
        plan.hopeless(deathsInARow, lastWords.trim() === '' ? reason : lastWords.trim());
        return;
      }
      restarts += 1;
      cancelRestart = clock.after(restartDelayMs(deathsInARow), start);
    });
    child.on('error', () => {});
    send(child, { kind: 'start', settings });
    for (const [name, socket] of Object.entries(plan.sockets))
      send(child, { kind: 'listener', name: name as ServedListener, tls: plan.tls(name as ServedListener) }, socket);
  };

  function ask(kind: Answer['kind'], timeoutMs: number): Promise<Answer | undefined> {
    const child = current;
    if (child === undefined || !child.connected) return Promise.resolve(undefined);
    const number = nextAsk++;
    return new Promise((resolve) => {
      const end = (answer: Answer | undefined): void => {
        cancel();
        asked.delete(number);
        resolve(answer);
      };
      const cancel = clock.after(timeoutMs, () => end(undefined));
      asked.set(number, end);
      send(child, { kind, ask: number });
    });
  }

  start();

  return {
    role,
    worker,
    ready: firstReady.promise,
    restarts: () => restarts,
    renew(name, tls) {
      if (current !== undefined && plan.sockets[name] !== undefined) send(current, { kind: 'tls', name, tls });
    },
    identify(identity) {
      // Over IPC an identity is what its fields hold now.
      const { certificate, key, authority } = identity;
      if (current !== undefined) send(current, { kind: 'identity', identity: { certificate, key, authority } });
    },
    async metrics(timeoutMs) {
      const answer = await ask('metrics', timeoutMs);
      return answer?.kind === 'metrics' ? answer.families : [];
    },
    async statistics(timeoutMs) {
      const answer = await ask('statistics', timeoutMs);
      return answer?.kind === 'statistics' ? answer.statistics : [];
    },
    async drain(deadlineMs, replicasStay = false) {
      draining = true;
      cancelRestart();
      const child = current;
      if (child === undefined) return;
      await new Promise<void>((resolve) => {
        const cancelKill = clock.after(deadlineMs + killGraceMs, () => child.kill('SIGKILL'));
        child.once('close', () => {
          cancelKill();
          resolve();
        });
        send(child, { kind: 'drain', deadlineMs, replicasStay });
      });
    },
  };
}
