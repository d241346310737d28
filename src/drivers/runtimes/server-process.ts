/**
 * A server that was started by us: its process group, its last words, its end. It knows no protocol.
 * The command leads a group of its own, so that what it starts can be ended with it. A second small process, the guard,
 * only waits for our end of its pipe to close, which the kernel does however we die, and then ends that group; it needs
 * no privilege and nothing from the server.
 * Invariant: after `stop`, and after our own death plus the grace, nothing of the group is left.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Clock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import { treeUsage, type ProcessUsage } from '../process-tree.ts';

export interface ServerProcessOptions {
  readonly command: readonly [string, ...string[]];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whose it is, so that it can be found should runner and guard both be killed at once. */
  readonly owner?: ServerOwner | undefined;
  /** What it has after SIGTERM. */
  readonly stopMs: number;
  readonly clock: Clock;
}

export interface ServerOwner {
  readonly runDirectory: string;
  readonly replica: string;
}

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  /** How it ended, in words with its last ones; resolves once, whoever ended it. */
  readonly ended: Promise<string>;
  /** Whether it has ended, or does within this time. */
  endsWithin(ms: number): Promise<boolean>;
  /** The last lines that it wrote, on one line; empty when it wrote nothing. */
  lastWords(): string;
  usage(): ProcessUsage;
}

/**
 * SIGTERM to the group, and after the grace SIGKILL. `read` returns at the end of the pipe: nobody ever writes to it.
 * `-s` and not `-TERM`: with that, dash takes no `--`, and without `--` others take no group.
 */
const guardScript = 'read -r _ <&3; kill -s TERM -- "-$1"; sleep "$2"; kill -s KILL -- "-$1"';
const wordsBytesMax = 4096;
const wordsLines = 5;
/** After the process has ended its last words may still be in the pipe; its children may hold that open for ever. */
const flushMs = 250;
/** By these the orchestrator tells replicas; a server that had them would be taken for one. */
const replicaVariables = ['FLYBALL_RUN_DIRECTORY', 'FLYBALL_REPLICA', 'FLYBALL_PRESTARTED'] as const;

/** Rejects with MODEL_LOAD_FAILED when there is no such command. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { command, folder, stopMs, clock } = options;
  const [program, ...rest] = command;
  const child = spawn(program, rest, {
    cwd: folder,
    env: environment(options),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const spawned = Promise.withResolvers<void>();
  child.once('spawn', spawned.resolve);
  child.once('error', (cause) =>
    spawned.reject(
      new FlyballError('MODEL_LOAD_FAILED', `the command ${program} could not be started: ${cause.message}`, { cause }),
    ),
  );
  const guard = child.pid === undefined ? undefined : startGuard(child.pid, stopMs);
  await spawned.promise;
  const pid = child.pid as number;
  const outWords = collectWords(child, 'stdout');
  const errorWords = collectWords(child, 'stderr');
  const lastWords = (): string => errorWords() || outWords();

  const gone = Promise.withResolvers<string>();
  let isGone = false;
  child.once('exit', (code, killedBy) => {
    isGone = true;
    // What it had started and left behind.
    signalGroup(pid, 'SIGKILL');
    guard?.kill('SIGKILL');
    gone.resolve(killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`);
  });
  const flushed = Promise.withResolvers<void>();
  child.once('close', flushed.resolve);
  const ended = gone.promise.then(async (how) => {
    const cancel = clock.after(flushMs, flushed.resolve);
    await flushed.promise;
    cancel();
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    const words = lastWords();
    return words === '' ? how : `${how}: ${words}`;
  });

  return {
    pid,
    ended,
    lastWords,
    async endsWithin(ms) {
      if (isGone) return true;
      const late = Promise.withResolvers<string>();
      const cancel = clock.after(ms, () => late.resolve(''));
      await Promise.race([gone.promise, late.promise]);
      cancel();
      return isGone;
    },
    usage: () => treeUsage(pid),
    async [Symbol.asyncDispose]() {
      if (!isGone) {
        signalGroup(pid, 'SIGTERM');
        const cancel = clock.after(stopMs, () => signalGroup(pid, 'SIGKILL'));
        await gone.promise;
        cancel();
      }
      await ended;
    },
  };
}

function environment({ env: added, owner }: ServerProcessOptions): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...added };
  for (const name of replicaVariables) delete env[name];
  if (owner === undefined) return env;
  const { runDirectory, replica } = owner;
  return { ...env, FLYBALL_SERVER_RUN_DIRECTORY: runDirectory, FLYBALL_SERVER_REPLICA: replica };
}

function startGuard(group: number, stopMs: number): ChildProcess {
  const guard = spawn(
    '/bin/sh',
    ['-c', guardScript, 'flyball-guard', String(group), String(Math.ceil(stopMs / 1000))],
    {
      // A session of its own: whoever ends our group at once must not end the guard with it.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      // None of the variables by which replicas and servers are found: it would be taken for one.
      env: { PATH: process.env['PATH'] },
    },
  );
  // Without a shell there is no guard; everything else works.
  guard.on('error', () => {});
  guard.unref();
  (guard.stdio[3] as { unref?: () => void } | null)?.unref?.();
  return guard;
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in it, which is what was wanted.
  }
}

/** Passes on what it writes to our own standard error, which is the replica's log, and keeps the end of it. */
function collectWords(child: ChildProcess, name: 'stdout' | 'stderr'): () => string {
  let tail = '';
  child[name]?.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    tail = (tail + chunk.toString('utf8')).slice(-wordsBytesMax);
  });
  return () => {
    const told = tail.split('\n').map((line) => line.trim());
    return told
      .filter((line) => line !== '')
      .slice(-wordsLines)
      .join(' | ');
  };
}
