/**
 * A runner as a task of a cluster's engine: `flyball runner --task FILE`. The file says what to run, in which artefacts are
 * named by digest; they are fetched from control, checked, and kept in the node's cache. The engine tells the task its
 * name by the environment, and its first certificate by a secret; the next ones it fetches itself.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { onnxRuntimeVersion, processorOf } from '../drivers/runtimes/onnx-node.ts';
import { FlyballError } from '../errors.ts';
import { seededRng } from '../rng.ts';
import { askDoors } from '../tls/ask-certificate.ts';
import { readIdentity } from '../tls/identity-file.ts';
import { isoOf } from '../tls/life.ts';
import { liveIdentity, type LiveIdentity } from '../tls/live-identity.ts';
import { keepRenewed } from '../tls/renewing.ts';
import { openArtefactCache } from './artefact-cache.ts';
import { readCosts } from './kept-costs.ts';
import type { RunnerLaunch } from './launch.ts';
import { local, type LaunchBody } from './portable-launch.ts';
import { runRunner } from './process.ts';
import type { CompleteLaunch, Runner } from './runner.ts';

/** As the orchestrator's driver writes it. */
export interface TaskFile {
  readonly body: LaunchBody;
  readonly artefacts: readonly string[];
  /** Control's doors, any of which may answer: `https://10.0.0.1:8003`. */
  readonly doors: readonly string[];
  /** Port in the container. */
  readonly port: number;
  /** Cores that it may take; what a batch costs depends on them. */
  readonly cpu?: number | undefined;
}

export const taskVariable = 'FLYBALL_TASK';
/** One PEM file: the certificate, its key, and the platform's authority. */
export const identityVariable = 'FLYBALL_IDENTITY';
/** Folder of the cache; `{uid}` is the number of the user, where tasks of several users share a folder. */
export const cacheVariable = 'FLYBALL_CACHE';

export interface TaskEnvironment {
  readonly [taskVariable]?: string;
  readonly [identityVariable]?: string;
  readonly [cacheVariable]?: string;
}

const identityDefault = '/run/secrets/flyball-identity.pem';
export const cacheDefault = '/var/lib/flyball/artefacts';

/** It has begun to serve by then; otherwise what was compiled is kept at its end, which may come without a word. */
const compiledAfterMs = 30_000;

/** Runs until the runner has ended; returns the exit code. INVALID_REQUEST, TLS_UNUSABLE before it listens. */
export async function runTask(path: string, environment: TaskEnvironment): Promise<number> {
  const replica = environment[taskVariable];
  if (replica === undefined || replica === '') {
    throw new FlyballError('INVALID_REQUEST', `expected the name of this task in ${taskVariable}, got none`);
  }
  const task = await readTask(path);
  setTimeout(flushCompileCache, compiledAfterMs).unref();
  const identityPath = environment[identityVariable] ?? identityDefault;
  const identity = liveIdentity(
    await readIdentity("this task's certificate", identityPath, systemClock.wall()).catch(afterPause),
  );
  const { certificate, key, authority } = identity;
  const ordered: RunnerLaunch = {
    ...task.body,
    replica,
    listen: { kind: 'tcp', host: '0.0.0.0', port: task.port, tls: { certificate, key, authority } },
  };
  const onStarted = (runner: Runner): (() => void) => renew(identity, task.doors, runner);
  if (task.artefacts.length === 0) return runRunner(ordered, undefined, { onStarted });
  const folder = (environment[cacheVariable] ?? cacheDefault).replace('{uid}', String(process.getuid?.()));
  const complete: CompleteLaunch = async (onNote) => {
    onNote(`fetching ${task.artefacts.length} artefact${task.artefacts.length === 1 ? '' : 's'}`);
    const cache = await openArtefactCache(folder, { doors: task.doors, identity });
    const paths = new Map<string, string>();
    await Promise.all(task.artefacts.map(async (digest) => paths.set(digest, await cache.path(digest))));
    const body = local(task.body, (digest) => paths.get(digest) ?? digest);
    return { ...ordered, ...body, warmUp: withCosts(body.warmUp, costsPath(folder, task)), replica };
  };
  return runRunner(ordered, undefined, { complete, onStarted });
}

/** How long calls may take to end when its certificate is not taken any more. */
const expiredDrainMs = 10_000;
/** An engine makes a task again at once, and would do so without end while control is away. */
const unusablePauseMs = 5000;

/**
 * Without a certificate in force nobody would connect to it. Control, when it is there, has another made in a service with a
 * fresh secret, and no more in this one.
 */
async function afterPause(reason: unknown): Promise<never> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = systemClock.after(unusablePauseMs, resolve);
  process.once('SIGTERM', resolve);
  await promise;
  cancel();
  process.off('SIGTERM', resolve);
  throw reason;
}

function renew(identity: LiveIdentity, doors: readonly string[], runner: Runner): () => void {
  const tell = (message: string): void => void process.stderr.write(`${message}\n`);
  identity.onReplaced((next) => runner.renew(next));
  if (doors.length === 0) return () => {};
  return keepRenewed({
    identity,
    ask: askDoors(doors, identity),
    clock: systemClock,
    rng: seededRng(systemClock.wall() + process.pid),
    onRenewed: (until) => tell(`its certificate is renewed, good until ${isoOf(until)}`),
    onTrouble: tell,
    onRefused: (message) => runner.drain(expiredDrainMs, message, 1),
  });
}

/** Beside the artefacts, for every task that runs the same on the same processor; the folder is made by the first. */
function costsPath(cache: string, { body, cpu }: TaskFile): string {
  // In a container of another image there is no ONNX Runtime.
  const runtime = body.runtime.kind === 'onnx' ? onnxRuntimeVersion() : null;
  const kind = JSON.stringify([body, cpu, processorOf(), runtime]);
  const name = createHash('sha256').update(kind).digest('hex').slice(0, 24);
  return join(cache, 'costs', `${name}.json`);
}

function withCosts(warmUp: LaunchBody['warmUp'], path: string): LaunchBody['warmUp'] {
  const known = readCosts(path);
  return { ...warmUp, leaveAt: path, ...(known === undefined ? {} : { known }) };
}

/**
 * The driver of this same version has written it, and a start is paid at every scale-out: reading it by a schema takes
 * longer than all the rest up to where it listens.
 */
async function readTask(path: string): Promise<TaskFile> {
  try {
    const task = JSON.parse(await readFile(path, 'utf8')) as Partial<TaskFile>;
    if (typeof task.body !== 'object' || !Array.isArray(task.artefacts) || !Array.isArray(task.doors)) {
      throw new TypeError('expected body, artefacts and doors');
    }
    if (!Number.isInteger(task.port)) throw new TypeError(`expected a port, got ${String(task.port)}`);
    return task as TaskFile;
  } catch (cause) {
    throw new FlyballError('INVALID_REQUEST', `the task's file ${path}: ${(cause as Error).message}`, { cause });
  }
}
