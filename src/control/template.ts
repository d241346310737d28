/**
 * A template: one version of a model with the settings that it is run with. Two replicas of one template are
 * interchangeable; a change that needs new replicas is a change of template. Limits of CPU and memory, batching, queue
 * and deadlines are no part of it, because they can be changed under a running replica.
 */
import { createHash } from 'node:crypto';
import { toBytes, type DeploymentSpecification } from '../config/specification.ts';
import type { VersionFiles } from '../registry/registry.ts';
import type { VersionRecord } from '../store/store.ts';
import type { ReplicaOrder, ReplicaResources } from './orchestrator.ts';

/** What to run, without who runs it. */
export type TemplateLaunch = Omit<ReplicaOrder['launch'], 'replica'>;

export interface Template {
  /** `3/9f2c1a4b`: version and a hash of the settings. */
  readonly key: string;
  readonly launch: TemplateLaunch;
}

const defaultWarmUp = { batchSizes: [1, 2, 4, 8, 16], budgetMs: 2000 };

export function templateKey(launch: TemplateLaunch): string {
  const { runtime, digest } = launch;
  // Whether threads spin depends on what else runs on the machine: no reason to replace a replica that works.
  const settings =
    runtime.kind === 'onnx'
      ? [runtime.threads, runtime.graphOptimisation, runtime.memoryArena]
      : runtime.kind === 'server'
        ? ['server', runtime.threads ?? null]
        : ['simulated'];
  const hash = createHash('sha256')
    .update(JSON.stringify([digest, ...settings]))
    .digest('hex')
    .slice(0, 8);
  return `${launch.version}/${hash}`;
}

/** Intra-op threads a replica: more replicas raise throughput, more threads only lower latency, so 1 by default. */
export function threadsOf(specification: DeploymentSpecification, record: VersionRecord): number {
  return specification.resources.threads ?? record.modelFile.threads ?? 1;
}

export function makeTemplate(
  specification: DeploymentSpecification,
  record: VersionRecord,
  files: VersionFiles,
): Template {
  const { modelFile } = record;
  const warmUp = modelFile.warmUp ?? defaultWarmUp;
  const launch: TemplateLaunch = {
    model: record.model,
    version: String(record.version),
    digest: record.digest,
    runtime: runtimeOf(specification, record, files),
    ...(modelFile.pipeline === undefined ? {} : { pipeline: modelFile.pipeline }),
    ...(files.output === undefined ? {} : { output: files.output }),
    warmUp: { batchSizes: [...warmUp.batchSizes], budgetMs: warmUp.budgetMs, samples: [...files.samples] },
  };
  return { key: templateKey(launch), launch };
}

function runtimeOf(
  specification: DeploymentSpecification,
  record: VersionRecord,
  files: VersionFiles,
): TemplateLaunch['runtime'] {
  const { modelFile, signature } = record;
  const { resources } = specification;
  if (modelFile.server !== undefined) {
    const { inputs, outputs: _outputs, files: _files, ...settings } = modelFile.server;
    const threads = resources.threads ?? modelFile.threads;
    return {
      kind: 'server',
      ...settings,
      model: settings.model ?? record.model,
      ...(inputs === undefined ? {} : { signature }),
      files: files.serverFiles,
      ...(threads === undefined ? {} : { threads }),
    };
  }
  if (files.path === undefined) {
    const { serviceMs = 0, serviceMsPerRow = 0, fault } = modelFile.simulated ?? {};
    return { kind: 'simulated', signature, serviceMs, serviceMsPerRow, ...(fault === undefined ? {} : { fault }) };
  }
  return {
    kind: 'onnx',
    path: files.path,
    threads: threadsOf(specification, record),
    spinning: resources.spinning === 'on',
    graphOptimisation: resources.graphOptimisation,
    memoryArena: resources.memoryArena,
  };
}

/** `auto`: threads may spin only while all that could run at once fit on the cores. */
export function withSpinning(launch: TemplateLaunch, setting: 'auto' | 'on' | 'off', fits: boolean): TemplateLaunch {
  if (launch.runtime.kind !== 'onnx') return launch;
  const spinning = setting === 'on' || (setting === 'auto' && fits);
  return { ...launch, runtime: { ...launch.runtime, spinning } };
}

export function resourcesOf(specification: DeploymentSpecification): ReplicaResources {
  const { cpu, memory, generic } = specification.resources;
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memoryBytes: toBytes(memory) }),
    ...(generic === undefined ? {} : { generic }),
  };
}
