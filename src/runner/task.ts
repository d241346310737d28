/**
 * A runner as a task of a cluster's engine: `flyball runner --task FILE`. The file says what to run, in which artefacts are
 * named by digest; they are fetched from control, checked, and kept in the node's cache. The engine tells the task its
 * name by the environment, and its certificate by a secret.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { FlyballError } from '../errors.ts';
import { readIdentity } from '../tls/identity-file.ts';
import { openArtefactCache } from './artefact-cache.ts';
import type { RunnerLaunch } from './launch.ts';
import { local, type LaunchBody } from './portable-launch.ts';
import { runRunner } from './process.ts';
import type { CompleteLaunch } from './runner.ts';

/** As the orchestrator's driver writes it. */
export interface TaskFile {
  readonly body: LaunchBody;
  readonly artefacts: readonly string[];
  /** Control's doors, any of which may answer: `https://10.0.0.1:8003`. */
  readonly doors: readonly string[];
  /** Port in the container. */
  readonly port: number;
}

const taskFile = z.object({
  body: z.custom<LaunchBody>((value) => typeof value === 'object' && value !== null),
  artefacts: z.array(z.string()),
  doors: z.array(z.url()),
  port: z.int().min(1).max(65_535),
});

export const taskVariable = 'FLYBALL_TASK';
/** One PEM file: the certificate, its key, and the platform's authority. */
export const identityVariable = 'FLYBALL_IDENTITY';
export const cacheVariable = 'FLYBALL_CACHE';

export interface TaskEnvironment {
  readonly [taskVariable]?: string;
  readonly [identityVariable]?: string;
  readonly [cacheVariable]?: string;
}

const identityDefault = '/run/secrets/flyball-identity.pem';
export const cacheDefault = '/var/lib/flyball/artefacts';

/** Runs until the runner has ended; returns the exit code. INVALID_REQUEST, TLS_UNUSABLE before it listens. */
export async function runTask(path: string, environment: TaskEnvironment): Promise<number> {
  const replica = environment[taskVariable];
  if (replica === undefined || replica === '') {
    throw new FlyballError('INVALID_REQUEST', `expected the name of this task in ${taskVariable}, got none`);
  }
  const task = await readTask(path);
  const identityPath = environment[identityVariable] ?? identityDefault;
  const identity = await readIdentity("this task's certificate", identityPath, Date.now());
  const ordered: RunnerLaunch = {
    ...task.body,
    replica,
    listen: { kind: 'tcp', host: '0.0.0.0', port: task.port, tls: identity },
  };
  if (task.artefacts.length === 0) return runRunner(ordered);
  const folder = environment[cacheVariable] ?? cacheDefault;
  const complete: CompleteLaunch = async (onNote) => {
    onNote(`fetching ${task.artefacts.length} artefact${task.artefacts.length === 1 ? '' : 's'}`);
    const cache = await openArtefactCache(folder, { doors: task.doors, identity });
    const paths = new Map<string, string>();
    await Promise.all(task.artefacts.map(async (digest) => paths.set(digest, await cache.path(digest))));
    return { ...ordered, ...local(task.body, (digest) => paths.get(digest) ?? digest), replica };
  };
  return runRunner(ordered, undefined, { complete });
}

async function readTask(path: string): Promise<TaskFile> {
  try {
    return taskFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new FlyballError('INVALID_REQUEST', `the task's file ${path}: ${why}`, { cause });
  }
}
