/**
 * The process orchestrator: a replica is a process of this machine, in a group of its own, that survives whoever
 * started it. It listens on a Unix socket in the run directory; what it writes goes to a bounded file there.
 * Invariant: a process is only ever signalled after its start time has been compared, so that a pid that the system
 * has given to somebody else is left alone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { FoundReplica, Orchestrator, ReplicaExit } from '../../control/orchestrator.ts';
import { FlyballError } from '../../errors.ts';
import { modulePath } from '../../module-path.ts';
import type { RunnerLaunch } from '../../runner/launch.ts';
import { openCgroups, type Cgroups } from './cgroups.ts';
import type { PreparedModels } from './prepared-models.ts';
import { endAbandoned, openPrestartedPool, type PrestartedRunner } from './prestarted-pool.ts';
import { identify, isAlive, processesWith, signalProcess, type ProcessIdentity } from './process-identity.ts';
import { replicaFiles, type ReplicaFile } from './replica-files.ts';
import { withoutImage } from './without-image.ts';

export interface ProcessOrchestratorOptions {
  /** Private to this user; short, because a Unix socket's path has at most 107 bytes. */
  readonly runDirectory: string;
  readonly clock: Clock;
  /** Socket of the supervisor, for the runners to notice its end. */
  readonly lifeline?: string;
  /** What a replica runs; the runner of this package by default. */
  readonly runnerModule?: string;
  readonly cgroups?: Cgroups;
  /** Runners that are kept started ahead of their replicas; 0 by default. */
  readonly prestarted?: number;
  /** What this node keeps ready for its replicas; the caller's, who closes it. */
  readonly prepared?: PreparedModels;
}

interface Running {
  readonly file: ReplicaFile;
  /** What it was started with; unknown of one that was adopted. */
  readonly launch: RunnerLaunch | undefined;
  /** It has been ready. */
  settled: boolean;
  /** Started by this process, which will hear of its end. */
  isChild: boolean;
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
  const { runDirectory, clock, lifeline, prepared } = options;
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
  const environment = { ...process.env, ORT_DISABLE_TELEMETRY: '1', [runDirectoryVariable]: runDirectory };

  const found = ({ file, limits }: Running): FoundReplica => ({
    id: file.id,
    address: { kind: 'unix', path: file.socket },
    where: `pid ${file.pid}`,
    limits,
  });

  function watch(file: ReplicaFile, launch?: RunnerLaunch): Running {
    const ended = Promise.withResolvers<void>();
    const entry: Running = {
      file,
      launch,
      settled: false,
      isChild: false,
      limits: { kind: 'none' },
      stopping: false,
      ended,
    };
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
    pool.settled(id);
    if (entry.stopping || disposed) return;
    const why = outOfMemory ? `${how}, over its limit of memory (resources.memory)` : how;
    if (!entry.settled && entry.launch !== undefined) prepared?.suspect(entry.launch, why);
    const exit = { id, reason: words === '' ? why : `${why}: ${words}` };
    for (const listener of listeners) listener(exit);
  }

  function poll(): void {
    for (const entry of running.values()) {
      files.bound(entry.file.id);
      // Of its own child the kernel tells how it ended, if only a moment later.
      if (!entry.isChild && !isAlive(entry.file)) end(entry, 'the process has ended');
    }
    cancelPoll = clock.after(pollMs, poll);
  }

  async function adopt(): Promise<void> {
    for (const file of await files.readAll()) {
      if (running.has(file.id) || starting.has(file.id)) continue;
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

  /**
   * A server that another runtime's runner had started ends with its runner, by a guard of its own. Should both have been
   * killed, it is found by its environment, since nobody will ever ask it anything again.
   */
  function endStrayServers(): void {
    const marks = { FLYBALL_SERVER_RUN_DIRECTORY: runDirectory, FLYBALL_SERVER_REPLICA: undefined };
    for (const { pid, environment } of processesWith(marks)) {
      if (!running.has(environment.get('FLYBALL_SERVER_REPLICA') ?? '')) signalProcess(identify(pid), 'SIGKILL');
    }
  }

  await adopt();
  const pids = new Set([...running.values()].map(({ file }) => file.pid));
  endAbandoned({ [runDirectoryVariable]: runDirectory }, (pid) => pids.has(pid));
  endStrayServers();
  await cgroups.sweep(`${scope}-`);
  const pool = openPrestartedPool({ size: options.prestarted ?? 0, runDirectory, module, environment, clock });
  poll();

  function follow(child: ChildProcess, entry: Running): void {
    entry.isChild = true;
    child.unref();
    child.once('exit', (code, killedBy) =>
      end(entry, killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`),
    );
  }

  async function spawnRunner(launch: RunnerLaunch): Promise<Running> {
    const id = launch.replica;
    // Appending matters: the file is cut while the replica goes on writing.
    const output = openSync(files.log(id), 'a', 0o600);
    try {
      const child = spawn(process.execPath, [module, JSON.stringify(launch)], {
        detached: true,
        stdio: ['ignore', output, output],
        env: { ...environment, [replicaVariable]: id },
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      // A child that was spawned has a pid.
      const file = { id, socket: files.socket(id), ...identify(child.pid as number) };
      const entry = watch(file, launch);
      follow(child, entry);
      await files.write(file);
      return entry;
    } finally {
      closeSync(output);
    }
  }

  /** Undefined when it died just now: it is nobody's replica then. */
  async function launchRunner(launch: RunnerLaunch, runner: PrestartedRunner): Promise<Running | undefined> {
    const id = launch.replica;
    const { child } = runner;
    const identity: ProcessIdentity = identify(runner.pid);
    const file = { id, socket: files.socket(id), ...identity };
    renameSync(runner.log, files.log(id));
    // Before it knows what it is: its environment does not tell, should this process be killed now.
    await files.write(file);
    const sent = await new Promise<boolean>((resolve) => {
      child.once('exit', () => resolve(false));
      child.send(launch, (error) => resolve(error === null));
    });
    if (!sent) {
      signalProcess(identity, 'SIGKILL', true);
      files.remove(id);
      return undefined;
    }
    child.disconnect();
    const entry = watch(file, launch);
    follow(child, entry);
    return entry;
  }

  async function stop(id: string, graceMs: number): Promise<void> {
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
  }

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
      const here = withoutImage(order.launch);
      const launch: RunnerLaunch = {
        ...(prepared?.equip(here) ?? here),
        listen: { kind: 'unix', path },
        ...(lifeline === undefined ? {} : { lifeline }),
      };
      rmSync(path, { force: true });
      const { memoryBytes } = order.resources;
      pool.starts(order.id);
      starting.add(order.id);
      try {
        // The kernel counts for a group only what is allocated in it: with a limit of memory it has to be a new one. And
        // one that was started ahead has the library for models in it, of which another server has no use.
        const isServer = launch.runtime.kind === 'server';
        const ahead = memoryBytes === undefined && !isServer ? pool.take() : undefined;
        const entry =
          (ahead === undefined ? undefined : await launchRunner(launch, ahead)) ?? (await spawnRunner(launch));
        if (memoryBytes !== undefined) {
          entry.limits = await cgroups.apply(groupOf(order.id), entry.file.pid, { memoryBytes });
        }
        return found(entry);
      } catch (error) {
        pool.settled(order.id);
        files.remove(order.id);
        throw new FlyballError('REPLICA_FAILED', `the process of replica ${order.id} could not be started`, {
          cause: error,
        });
      } finally {
        starting.delete(order.id);
      }
    },

    async settle(id, resources) {
      const entry = running.get(id);
      if (entry === undefined) return { kind: 'none' };
      pool.settled(id);
      if (!entry.settled && entry.launch !== undefined) prepared?.ready(entry.launch);
      entry.settled = true;
      entry.limits = await cgroups.apply(groupOf(id), entry.file.pid, resources);
      return entry.limits;
    },

    stop,
    kill: (id) => stop(id, 0),

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
      pool[Symbol.dispose]();
    },
  };
}
