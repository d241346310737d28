/**
 * Runners that were started ahead of their replicas. The pool only keeps them: who takes one makes a replica of it.
 *
 *   (none) ──quiet for a while──▶ starting ahead ──▶ waiting ──take──▶ a replica
 *                 ▲                      └──── dies ────┘
 *                 └──────── back-off ───────────┘
 *
 * Invariant: none outlives the one that started it. Each holds an IPC channel whose end it takes for its own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { prestartedArgument, prestartedVariable } from '../../runner/prestarted.ts';
import { publish } from '../../telemetry/events.ts';
import { identify, isAlive, processesWith, signalProcess, type ProcessIdentity } from './process-identity.ts';

export interface PrestartedRunner extends ProcessIdentity {
  readonly child: ChildProcess;
  /** Where its output goes, under whatever name. */
  readonly log: string;
}

export interface PrestartedPool extends Disposable {
  /** The caller's from now on; undefined when none is there. */
  take(): PrestartedRunner | undefined;
  /** A replica starts: the cores are its own until `settled`, or until it has had time enough. */
  starts(id: string): void;
  settled(id: string): void;
}

export interface PrestartedPoolOptions {
  readonly size: number;
  readonly runDirectory: string;
  readonly module: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

/** Without a start for this long the cores are free for it. */
const quietMs = 1000;
const startMs = 30_000;
const backOffMaxMs = 60_000;

export function openPrestartedPool(options: PrestartedPoolOptions): PrestartedPool {
  const { size, runDirectory, module, environment, clock } = options;
  const waiting: PrestartedRunner[] = [];
  /** Replica → cancels the waiting for it. */
  const starting = new Map<string, () => void>();
  let started = 0;
  let deaths = 0;
  let disposed = false;
  let cancel = (): void => {};

  // Logs and sockets of those that an earlier control had.
  for (const name of readdirSync(runDirectory)) {
    if (/^prestarted-.*\.(?:log|sock)$/.test(name)) rmSync(join(runDirectory, name), { force: true });
  }

  function refillLater(ms: number): void {
    cancel();
    if (!disposed && starting.size === 0 && waiting.length < size) cancel = clock.after(ms, refill);
  }

  function refill(): void {
    started += 1;
    const log = join(runDirectory, `prestarted-${process.pid}-${started}.log`);
    let output: number | undefined;
    try {
      output = openSync(log, 'a', 0o600);
      const child = spawn(process.execPath, [module, prestartedArgument], {
        detached: true,
        stdio: ['ignore', output, output, 'ipc'],
        env: { ...environment, [prestartedVariable]: String(started) },
      });
      // Neither the process nor its channel is a reason for this one to stay.
      child.unref();
      child.channel?.unref();
      child.once('error', () => died(child, log, 'it could not be started'));
      child.once('exit', (code, by) => died(child, log, by === null ? `exit code ${code}` : `killed by ${by}`));
      child.once('message', () => (deaths = 0));
      if (child.pid !== undefined) waiting.push({ child, log, ...identify(child.pid) });
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error), 0);
    } finally {
      if (output !== undefined) closeSync(output);
    }
    refillLater(quietMs);
  }

  function died(child: ChildProcess, log: string, how: string): void {
    const index = waiting.findIndex((runner) => runner.child === child);
    if (index === -1) return;
    waiting.splice(index, 1);
    tidy(log, child.pid ?? 0);
    failed(how, child.pid ?? 0);
  }

  function tidy(log: string, pid: number): void {
    rmSync(log, { force: true });
    // It rehearses on a socket of its own (see runner/rehearsal.ts).
    rmSync(join(runDirectory, `prestarted-${pid}.sock`), { force: true });
  }

  function failed(reason: string, pid: number): void {
    if (disposed) return;
    deaths += 1;
    publish('flyball:process', { role: 'runner', state: 'exited', pid, reason: `started ahead: ${reason}` });
    refillLater(Math.min(quietMs * 2 ** (deaths - 1), backOffMaxMs));
  }

  function settled(id: string): void {
    const cancelWait = starting.get(id);
    if (cancelWait === undefined) return;
    cancelWait();
    starting.delete(id);
    refillLater(quietMs);
  }

  refillLater(quietMs);

  return {
    take() {
      for (;;) {
        const runner = waiting.shift();
        if (runner === undefined) return undefined;
        runner.child.removeAllListeners();
        if (runner.child.connected && isAlive(runner)) return runner;
        tidy(runner.log, runner.pid);
      }
    },
    starts(id) {
      cancel();
      starting.get(id)?.();
      starting.set(
        id,
        clock.after(startMs, () => settled(id)),
      );
    },
    settled,
    [Symbol.dispose]() {
      disposed = true;
      cancel();
      for (const cancelWait of starting.values()) cancelWait();
      for (const runner of waiting.splice(0)) {
        runner.child.removeAllListeners();
        signalProcess(runner, 'SIGKILL', true);
        tidy(runner.log, runner.pid);
      }
    },
  };
}

/**
 * Ends those that an earlier control has started and nobody has made a replica of: `isReplica` knows which are. They end
 * by themselves; this is for one that hangs.
 */
export function endAbandoned(environment: Readonly<Record<string, string>>, isReplica: (pid: number) => boolean): void {
  for (const { pid } of processesWith({ ...environment, [prestartedVariable]: undefined })) {
    if (!isReplica(pid)) signalProcess(identify(pid), 'SIGKILL', true);
  }
}
