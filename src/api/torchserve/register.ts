/**
 * Registers a model from an archive, as TorchServe's `POST /models` does: the archive becomes a version in the registry,
 * and its workers a deployment, beside the default version's where there is one already.
 */
import { Readable } from 'node:stream';
import { stringify } from 'yaml';
import { deploymentSpecification } from '../../config/specification.ts';
import type { ControlService } from '../../control/control-service.ts';
import { FlyballError } from '../../errors.ts';
import { toSettings } from '../../imports/torchserve/model-config.ts';
import { readMar } from '../../imports/torchserve/read-mar.ts';
import { digestOfBytes } from '../../registry/digest.ts';
import { archivePath } from './model-store.ts';
import { accepted, done, type Outcome } from './outcome.ts';
import { besideName, versionName } from './shapes.ts';
import { removeWhenUnused, settled } from './waiting.ts';

export interface RegisterOrder {
  readonly url: string;
  readonly modelName?: string;
  readonly handler?: string;
  readonly batchSize?: number;
  readonly maxBatchDelay?: number;
  readonly initialWorkers?: number;
  /** Seconds. */
  readonly responseTimeout?: number;
  readonly synchronous: boolean;
}

export async function register(
  control: ControlService,
  modelStore: string | undefined,
  order: RegisterOrder,
  by: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const mar = await readMar(await archivePath(modelStore, order.url), undefined, order.handler);
  const name = order.modelName ?? mar.manifest.modelName;
  const { modelVersion } = mar.manifest;
  const there = (await control.models()).find((model) => model.name === name);
  if (there?.versions.some((version) => versionName(version) === modelVersion) === true) {
    throw new FlyballError('CONFLICT', `Model version ${modelVersion} is already registered for model ${name}`);
  }
  const text = stringify(mar.settings);
  const modelFile = digestOfBytes(text);
  await control.putArtefact(modelFile, Readable.from([Buffer.from(text)]), by, signal);
  const upload = {
    name,
    by,
    source: order.url,
    modelFile,
    assets: {},
    ...(mar.version !== undefined && { version: mar.version }),
  };
  const version = await control.addVersion(upload, mar.file.open(), signal);
  const wishes = toSettings({
    ...(order.batchSize !== undefined && { batchSize: order.batchSize }),
    ...(order.maxBatchDelay !== undefined && { maxBatchDelay: order.maxBatchDelay }),
    ...(order.responseTimeout !== undefined && { responseTimeout: order.responseTimeout }),
  });
  const { replicas, ...defaults } = mar.settings.deployment ?? {};
  const workers = order.initialWorkers ?? replicas?.min ?? 0;
  const batching = { ...mar.settings.batching, ...wishes.batching };
  const deployment = deploymentSpecification.parse({
    ...defaults,
    ...wishes.deployment,
    model: `${name}:${version.version}`,
    replicas: {
      min: workers,
      max: Math.max(1, workers, order.initialWorkers === undefined ? (replicas?.max ?? 0) : 0),
    },
    ...(Object.keys(batching).length > 0 && { batching }),
  });
  const isFirst = !(await control.deployments()).some((one) => one.name === name);
  if (!isFirst && workers === 0) return done(registered(name, modelVersion, 0));
  const place = isFirst ? name : besideName(name, version.version);
  const started = await control.deploy(place, { deployment, by });
  if (workers === 0) return done(registered(name, modelVersion, 0));
  if (!order.synchronous) return accepted;
  try {
    await settled(control, started, signal);
  } catch (error) {
    // As there: a model whose workers cannot start is not registered.
    if (!signal.aborted) {
      await settled(control, await control.removeDeployment(place, by), signal);
      await removeWhenUnused(control, name, [version], by, signal);
    }
    throw error;
  }
  return done(registered(name, modelVersion, workers));
}

const registered = (name: string, version: string, workers: number): string =>
  workers === 0
    ? `Model "${name}" Version: ${version} registered with 0 initial workers. Use scale workers API to add workers for the model.`
    : `Model "${name}" Version: ${version} registered with ${workers} initial workers`;
