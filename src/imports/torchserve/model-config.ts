/**
 * TorchServe's model-config.yaml as settings of ours. Pure. Keys with a meaning here are taken over, every other one is
 * named in a note: handlers may read any key they like, so an unknown one is no mistake.
 */
import { parseDocument } from 'yaml';
import type { DeploymentDefaults } from '../../config/model-file.ts';
import { FlyballError } from '../../errors.ts';
import type { ModelFileInput } from '../../registry/registry.ts';

export interface ConfigSettings {
  readonly settings: ModelFileInput;
  readonly notes: readonly string[];
}

const known = ['minWorkers', 'maxWorkers', 'batchSize', 'maxBatchDelay', 'responseTimeout', 'jobQueueSize'] as const;
type Known = (typeof known)[number];

const most: Readonly<Record<Known, number>> = {
  minWorkers: 1000,
  maxWorkers: 1000,
  batchSize: 1024,
  maxBatchDelay: 1000,
  responseTimeout: 86_400,
  jobQueueSize: 100_000,
};

export function configSettings(text: string, file: string): ConfigSettings {
  const document = parseDocument(text, { prettyErrors: false });
  const value: unknown = document.errors.length > 0 ? undefined : document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FlyballError(
      'INVALID_MODEL',
      `${file}: expected YAML with keys, got ${document.errors[0]?.message ?? typeof value}`,
    );
  }
  const notes: string[] = [];
  const numbers: { -readonly [Key in Known]?: number } = {};
  for (const [key, given] of Object.entries(value)) {
    if (!isKnown(key)) {
      notes.push(`${file}: ${key} has no effect here`);
      continue;
    }
    if (typeof given !== 'number' || !Number.isInteger(given) || given < 0) {
      throw new FlyballError(
        'INVALID_MODEL',
        `${file}: ${key}: expected a whole number of at least 0, got ${JSON.stringify(given)}`,
      );
    }
    if (given > most[key]) notes.push(`${file}: ${key}: ${most[key]} at most here, not ${given}`);
    numbers[key] = Math.min(given, most[key]);
  }
  return { settings: toSettings(numbers), notes };
}

const isKnown = (key: string): key is Known => (known as readonly string[]).includes(key);

/** The same numbers as they come over the management API. Absent ones say nothing. */
export function toSettings(numbers: Readonly<Partial<Record<Known, number>>>): ModelFileInput {
  const {
    minWorkers: min,
    maxWorkers: max,
    batchSize,
    maxBatchDelay: delayMs,
    responseTimeout,
    jobQueueSize,
  } = numbers;
  const replicas = { ...(min !== undefined && { min }), ...(max !== undefined && { max: Math.max(1, max, min ?? 0) }) };
  const deployment: DeploymentDefaults = {
    ...(Object.keys(replicas).length > 0 && { replicas }),
    ...(jobQueueSize !== undefined && jobQueueSize > 0 && { queue: { lengthMax: jobQueueSize } }),
    ...(responseTimeout !== undefined && responseTimeout > 0 && { deadline: deadlineOf(responseTimeout) }),
  };
  const batching = {
    ...(batchSize !== undefined && { sizeMax: Math.max(1, batchSize) }),
    // A batch of one waits for nobody, however long the delay.
    ...(delayMs !== undefined && (batchSize ?? 1) > 1 && { delayMs }),
  };
  return {
    ...(Object.keys(batching).length > 0 && { batching }),
    ...(Object.keys(deployment).length > 0 && { deployment }),
  };
}

/** Seconds that a worker may take there; here within that the answer is there or refused. */
export function deadlineOf(seconds: number): { readonly defaultMs: number; readonly maxMs: number } {
  return { defaultMs: seconds * 1000, maxMs: Math.max(seconds * 1000, 600_000) };
}
