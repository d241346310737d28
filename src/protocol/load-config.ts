/**
 * What the configuration given with a load changes: the deployment, and the model.yaml of versions that come with it.
 * Pure but for loading the reader, which most gateways never need. What cannot be honoured is refused, or named in a
 * note that stays with the deployment.
 */
import { FlyballError } from '../errors.ts';
import type { DeploymentOrder } from './management.ts';
import type { ModelSignature } from './tensor.ts';

export interface LoadConfig {
  /** For the versions that come with the load; absent where it says nothing about a version. */
  readonly modelFile?: string;
  /** The version that is to be served; absent where that is not said. */
  readonly version?: number;
  readonly notes: readonly string[];
  applyTo(deployment: DeploymentOrder): DeploymentOrder;
  /** INVALID_SPECIFICATION where the model's file says otherwise. */
  check(signature: ModelSignature): void;
}

/** What of a model.yaml holds for a version and not for a deployment. */
const ofVersions = ['labels', 'output', 'warmUp'] as const;

/** Throws INVALID_JSON, INVALID_SPECIFICATION. `withFiles`: versions come along that can keep what is theirs. */
export async function readLoadConfig(text: string, withFiles: boolean): Promise<LoadConfig> {
  const { readInlineConfig, inWords } = await import('../imports/triton/from-json.ts');
  const { checkSignature } = await import('../imports/triton/check-signature.ts');
  const { settings, versions, notes, written } = readInlineConfig(text);
  const said = [...notes];
  for (const key of ofVersions) {
    if (!withFiles && settings[key] !== undefined)
      said.push(`config: ${key} belongs to a version, which never changes: give the model's file with it`);
  }
  let version: number | undefined;
  if (versions.kind === 'specific') version = Math.max(...versions.versions);
  if (versions.kind === 'all' || (versions.kind === 'specific' && versions.versions.length > 1))
    said.push('config: version_policy: one version answers at a time');
  const { batching, deployment, threads } = settings;
  return {
    ...(Object.keys(settings).length > 0 && { modelFile: JSON.stringify(settings) }),
    ...(version !== undefined && Number.isFinite(version) && { version }),
    notes: said,
    applyTo: (before) => ({
      ...before,
      ...(batching !== undefined && { batching }),
      ...(deployment?.replicas !== undefined && { replicas: { ...before.replicas, ...deployment.replicas } }),
      ...(deployment?.queue !== undefined && { queue: { ...before.queue, ...deployment.queue } }),
      ...(deployment?.deadline !== undefined && { deadline: { ...before.deadline, ...deployment.deadline } }),
      ...(threads !== undefined && { resources: { ...before.resources, threads } }),
    }),
    check(signature) {
      const { problems } = checkSignature(written, signature, 'config');
      if (problems.length > 0) throw new FlyballError('INVALID_SPECIFICATION', inWords(problems));
    },
  };
}
