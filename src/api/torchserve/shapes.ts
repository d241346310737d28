/**
 * What TorchServe's management API says of models, made of what control shows. Pure.
 * A model there is a deployment here; its versions are those in the registry. The default version is the deployment's;
 * another version that has workers is a deployment of its own beside it, `NAME-vN`, and never listed as a model.
 */
import type { DeploymentSpecification } from '../../config/specification.ts';
import { didYouMean } from '../../config/nearest.ts';
import { FlyballError } from '../../errors.ts';
import { versionLabel, versionNumber } from '../../imports/torchserve/manifest.ts';
import type { DeploymentView, ModelView, ReplicaView, VersionView } from '../schemas.ts';

export const besideName = (model: string, version: number): string => `${model}-v${version}`;

/** `2.0` for the second, or what the archive called it. */
export const versionName = ({ labels, version }: Pick<VersionView, 'labels' | 'version'>): string =>
  labels[versionLabel] ?? `${version}.0`;

/** The version that a path calls so. VERSION_NOT_FOUND with those that there are. */
export function findVersion(model: ModelView, name: string): VersionView {
  const number = versionNumber(name);
  const found =
    model.versions.find((version) => version.labels[versionLabel] === name) ??
    model.versions.find((version) => version.version === number);
  if (found !== undefined) return found;
  const there = model.versions.map(versionName);
  throw new FlyballError(
    'VERSION_NOT_FOUND',
    `Model version: ${name} does not exist for model: ${model.name}; there are ${there.join(', ')}`,
  );
}

/** Deployments that are models, by name; those beside them are left out. */
export function modelsOf(deployments: readonly DeploymentView[]): readonly DeploymentView[] {
  const names = new Set(deployments.map(({ name }) => name));
  return deployments.filter(({ name }) => {
    const base = /^(.+)-v\d+$/.exec(name)?.[1];
    return base === undefined || !names.has(base);
  });
}

export function requireModel(deployments: readonly DeploymentView[], name: string): DeploymentView {
  const models = modelsOf(deployments);
  const found = models.find((deployment) => deployment.name === name);
  if (found !== undefined) return found;
  throw new FlyballError(
    'MODEL_NOT_FOUND',
    `Model not found: ${name}${didYouMean(
      name,
      models.map((model) => model.name),
    )}`,
  );
}

/** Name of the model in the registry that a deployment serves. */
export const registryName = ({ model }: Pick<DeploymentView, 'model'>): string => model.split(/[@:]/)[0] ?? model;

export interface ListedModels {
  readonly nextPageToken?: string;
  readonly models: readonly { readonly modelName: string; readonly modelUrl: string }[];
}

/** `token` is a position in the sorted names, as TorchServe has it. */
export function listPage(
  models: readonly { readonly modelName: string; readonly modelUrl: string }[],
  limit: number,
  token: number,
): ListedModels {
  const sorted = models.toSorted((left, right) => (left.modelName < right.modelName ? -1 : 1));
  const size = limit < 0 || limit > 100 ? 100 : limit;
  const from = Math.max(token, 0);
  const last = from + size;
  return {
    ...(last < sorted.length && { nextPageToken: String(last) }),
    models: sorted.slice(from, last),
  };
}

export interface Described {
  readonly name: string;
  readonly version: VersionView;
  /** The deployment that serves this version; absent: it has no workers. */
  readonly deployment: DeploymentView | undefined;
  readonly specification: DeploymentSpecification | undefined;
}

export function describe({ name, version, deployment, specification }: Described): object {
  const own = (deployment?.replicas ?? []).filter((replica) => replica.version === String(version.version));
  const { sizeMax, delayMs } = specification?.batching ?? {};
  const pending = deployment?.load.queueLength ?? 0;
  return {
    modelName: name,
    modelVersion: versionName(version),
    modelUrl: version.provenance.source,
    engine: 'ONNX Runtime',
    runtime: 'onnxruntime',
    minWorkers: deployment?.min ?? 0,
    // A deployment has room for one at least; without a wish for any, none is the truth for who asks.
    maxWorkers:
      deployment === undefined || (deployment.min === 0 && deployment.desired === 0 && deployment.max === 1)
        ? 0
        : deployment.max,
    batchSize: sizeMax === undefined || sizeMax === 'auto' ? (deployment?.load.batchSizeCap ?? 1) : sizeMax,
    maxBatchDelay: Math.round(delayMs ?? 0),
    loadedAtStartup: false,
    workers: own.filter(({ state }) => state !== 'failed').map(toWorker),
    jobQueueStatus: {
      remainingCapacity: Math.max(0, (specification?.queue.lengthMax ?? 0) - pending),
      pendingRequests: pending,
    },
  };
}

function toWorker({ id, startedAt, state, residentBytes, where }: ReplicaView): object {
  const pid = Number(/\d+/.exec(where)?.[0] ?? 0);
  return {
    id,
    startTime: new Date(startedAt).toISOString(),
    status: state === 'ready' ? 'READY' : 'UNLOADING',
    memoryUsage: residentBytes ?? 0,
    pid,
    gpu: false,
    gpuUsage: 'N/A',
  };
}
