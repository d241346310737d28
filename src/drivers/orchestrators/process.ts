/**
 * The process orchestrator: a replica is a process of this machine, in a group of its own, that survives whoever
 * started it. It listens on a Unix socket in the run directory; what it writes goes to a bounded file there.
 * Invariant: a process is only ever signalled after its start time has been compared, so that a pid that the system
 * has given to somebody else is left alone.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { FoundReplica, Orchestrator, ReplicaExit } from '../../control/orchestrator.ts';
import { FlyballError } from '../../errors.ts';
import { modulePath } from '../../module-path.ts';
import type { RunnerLaunch } from '../../runner/launch.ts';
import { openCgroups, type Cgroups } from './cgroups.ts';
import { identify, isAlive, processesWith, signalProcess } from './process-identity.ts';
import { replicaFiles, type ReplicaFile } from './replica-files.ts';

export interface ProcessOrchestratorOptions {
  /** Private to this user; short, because a Unix socket's path has at most 107 bytes. */
  readonly runDirectory: string;
  readonly clock: Clock;
  /** Socket of the supervisor, for the runners to notice its end. */
  readonly lifeline?: string;
  /** What a replica runs; the runner of this package by default. */
  readonly runnerModule?: string;
  readonly cgroups?: Cgroups;
}

interface Running {
  readonly file: ReplicaFile;
  limits: FoundReplica['limits'];
  stopping: boolean;
  readonly ended: PromiseWithResolvers<void>;
}

/** How often adopted processes, which are nobody's children any more, are looked at; and the logs measured. */
const pollMs = 100;
const killWaitMs = 2000;
const socketPathBytesMax = 107;
/** In the environment of each replica, so that one whose record is missing can be found. */
const runDirectoryVariable = 'FLYBALL_RUN_DIRECTORY';
const replicaVariable = 'FLYBALL_REPLICA';

export async function openProcessOrchestrator(options: ProcessOrchestratorOptions): Promise<Orchestrator> {
  const { runDirectory, clock, lifeline } = options;
  const module = options.runnerModule ?? modulePath(import.meta.url, '../../runner/process');
  const cgroups = options.cgroups ?? openCgroups();
  const files = replicaFiles(runDirectory);
  // Two data directories of one machine may both have a replica `digits-1`.
  const scope = createHash('sha256').update(runDirectory).digest('hex').slice(0, 8);
  const groupOf = (id: string): string => `${scope}-${id}`;
  const running = new Map<string, Running>();
  /** Between spawn and record, when the process can be seen but is not known yet. */
  const starting = new Set<string>();
  const listeners: ((exit: ReplicaExit) => void)[] = [];
  let cancelPoll: (() => void) | undefined;
  let disposed = false;

  const found = ({ file, limits }: Running): FoundReplica => ({
    id: file.id,
    address: { kind: 'unix', path: file.socket },
    where: `pid ${file.pid}`,
    limits,
  });

  function watch(file: ReplicaFile): Running {
    const entry: Running = { file, limits: { kind: 'none' }, stopping: false, ended: Promise.withResolvers<void>() };
    running.set(file.id, entry);
    return entry;
  }

  function end(entry: Running, how: string): void {
    const { id } = entry.file;
    if (running.get(id) !== entry) return;
    running.delete(id);
    const words = files.lastWords(id);
    files.remove(id);
    const outOfMemory = cgroups.ranOutOfMemory(groupOf(id));
    // Whoever waits for the end may end this process next: nothing may be left behind by then.
    void cgroups.remove(groupOf(id)).finally(() => entry.ended.resolve());
    if (entry.stopping || disposed) return;
    const why = outOfMemory ? `${how}, over its limit of memory (resources.memory)` : how;
    const exit = { id, reason: words === '' ? why : `${why}: ${words}` };
    for (const listener of listeners) listener(exit);
  }

  function poll(): void {
    for (const entry of running.values()) {
      files.bound(entry.file.id);
      if (!isAlive(entry.file)) end(entry, 'the process has ended');
    }
    cancelPoll = clock.after(pollMs, poll);
  }

  async function adopt(): Promise<void> {
    for (const file of await files.readAll()) {
      if (running.has(file.id)) continue;
      if (isAlive(file)) watch(file);
      else files.remove(file.id);
    }
    // Whoever started it may have been killed before it could write the record: the environment still tells.
    const ours = { [runDirectoryVariable]: runDirectory, [replicaVariable]: undefined };
    for (const { pid, environment } of processesWith(ours)) {
      const id = environment.get(replicaVariable) ?? '';
      if (running.has(id) || starting.has(id)) continue;
      const file = { id, socket: files.socket(id), ...identify(pid) };
      if (!isAlive(file)) continue;
      await files.write(file);
      watch(file);
    }
  }

  await adopt();
  await cgroups.sweep(`${scope}-`);
  poll();

  return {
    async start(order, signal) {
      signal.throwIfAborted();
      const existing = running.get(order.id);
      if (existing !== undefined) return found(existing);
      const path = files.socket(order.id);
      if (Buffer.byteLength(path) > socketPathBytesMax) {
        throw new FlyballError(
          'INTERNAL',
          `expected a socket path of at most ${socketPathBytesMax} bytes, got ${path}`,
        );
      }
      const launch: RunnerLaunch = {
        ...order.launch,
        listen: { kind: 'unix', path },
        ...(lifeline === undefined ? {} : { lifeline }),
      };
      rmSync(path, { force: true });
      starting.add(order.id);
      // Appending matters: the file is cut while the replica goes on writing.
      const output = openSync(files.log(order.id), 'a', 0o600);
      try {
        const child = spawn(process.execPath, [module, JSON.stringify(launch)], {
          detached: true,
          stdio: ['ignore', output, output],
          env: {
            ...process.env,
            ORT_DISABLE_TELEMETRY: '1',
            [runDirectoryVariable]: runDirectory,
            [replicaVariable]: order.id,
          },
        });
        await new Promise<void>((resolve, reject) => {
          child.once('spawn', resolve);
          child.once('error', reject);
        });
        // A child that was spawned has a pid.
        const file = { id: order.id, socket: path, ...identify(child.pid as number) };
        const entry = watch(file);
        child.unref();
        child.once('exit', (code, killedBy) =>
          end(entry, killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`),
        );
        await files.write(file);
        // Before it loads: the kernel counts for a group only what is allocated in it.
        const { memoryBytes } = order.resources;
        if (memoryBytes !== undefined) entry.limits = await cgroups.apply(groupOf(order.id), file.pid, { memoryBytes });
        return found(entry);
      } catch (error) {
        files.remove(order.id);
        throw new FlyballError('REPLICA_FAILED', `the process of replica ${order.id} could not be started`, {
          cause: error,
        });
      } finally {
        starting.delete(order.id);
        closeSync(output);
      }
    },

    async settle(id, resources) {
      const entry = running.get(id);
      if (entry === undefined) return { kind: 'none' };
      entry.limits = await cgroups.apply(groupOf(id), entry.file.pid, resources);
      return entry.limits;
    },

    async stop(id, graceMs) {
      const entry = running.get(id);
      if (entry === undefined) return;
      entry.stopping = true;
      if (graceMs > 0) {
        signalProcess(entry.file, 'SIGTERM');
        const cancel = clock.after(graceMs, () => signalProcess(entry.file, 'SIGKILL', true));
        const give = clock.after(graceMs + killWaitMs, () => entry.ended.resolve());
        await entry.ended.promise;
        cancel();
        give();
      } else {
        signalProcess(entry.file, 'SIGKILL', true);
        const give = clock.after(killWaitMs, () => entry.ended.resolve());
        await entry.ended.promise;
        give();
      }
    },

    async list() {
      await adopt();
      return [...running.values()].filter((entry) => isAlive(entry.file)).map((entry) => found(entry));
    },

    onExit(listener) {
      listeners.push(listener);
    },

    // The replicas stay: the next control adopts them.
    async [Symbol.asyncDispose]() {
      disposed = true;
      cancelPoll?.();
    },
  };
}
