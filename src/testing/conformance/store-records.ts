/** Records of every kind that a store keeps, for its conformance suite and for tests that need one. */
import { deploymentSpecification } from '../../config/specification.ts';
import { modelFile } from '../../config/model-file.ts';
import type { ReplicaOrder } from '../../control/orchestrator.ts';
import { chained, type JournalEntry, type JournalMark } from '../../journal/entry.ts';
import type {
  DeploymentRecord,
  OperationRecord,
  RehearsalRecord,
  ReplicaRecord,
  VersionRecord,
} from '../../store/store.ts';

export const digestOf = (seed: string): string => `sha256:${seed.repeat(64).slice(0, 64)}`;

export const versionOf = (model: string, version: number, seed = String(version)): VersionRecord => ({
  model,
  version,
  digest: digestOf(seed),
  bytes: 1234,
  createdAt: 1_700_000_000_000 + version,
  platform: 'onnxruntime_onnx',
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'y', datatype: 'INT64', shape: [-1] }],
    batchable: true,
  },
  labels: { team: 'lab' },
  provenance: { source: 'upload', by: 'ada', note: 'first try' },
  description: 'digits from 0 to 9',
  modelFile: modelFile.parse({}),
  file: digestOf(`f${seed}`),
  assets: { 'labels.txt': digestOf(`a${seed}`) },
});

export const deploymentOf = (name: string, desired = 1): DeploymentRecord => ({
  name,
  specification: deploymentSpecification.parse({ model: `${name}@champion` }),
  origin: { kind: 'specification' },
  desired,
});

const order: ReplicaOrder = {
  id: 'digits-1-a',
  deployment: 'digits',
  launch: {
    replica: 'digits-1-a',
    model: 'digits',
    version: '1',
    digest: digestOf('1'),
    runtime: {
      kind: 'onnx',
      path: '/somewhere/model.onnx',
      threads: 1,
      spinning: false,
      graphOptimisation: 'all',
      memoryArena: true,
    },
    warmUp: { batchSizes: [1, 2], budgetMs: 100, samples: [] },
  },
  resources: { cpu: 0.1 },
};

export const replica: ReplicaRecord = {
  id: 'digits-1-a',
  deployment: 'digits',
  version: '1',
  digest: digestOf('1'),
  order,
  startedAt: 17,
  phase: 'starting',
};

export const operationOf = (id: string, startedAt: number, state: OperationRecord['state']): OperationRecord => ({
  id,
  kind: 'apply',
  subject: 'flyball.yaml',
  state,
  by: 'ada',
  startedAt,
  steps: [{ text: 'loading', state: 'running', startedAt }],
  request: { any: ['thing'] },
});

export const rehearsalOf = (id: string, deployment: string, at: number): RehearsalRecord => ({
  id,
  deployment,
  at,
  setting: 'an hour of it',
  min: 1,
  max: 4,
  tolerated: 0.01,
  verdict: ['slo keeps it.'],
  report: {
    trace: 'digits last:1h',
    seed: 1,
    simulatedSeconds: 3600,
    wallSeconds: 0.5,
    requests: 7,
    policies: [
      {
        name: 'slo',
        parameters: { tolerated: 0.01 },
        violationFraction: 0,
        shedFraction: 0,
        p50Ms: 1.5,
        p99Ms: null,
        replicaSeconds: 3600,
        cost: 1,
        actions: 0,
        flaps: 0,
      },
    ],
    clairvoyant: { replicaSeconds: 3600 },
  },
  by: 'ada',
});

export const entriesOf = (head: JournalMark, subjects: readonly string[]): readonly JournalEntry[] =>
  chained(
    head,
    subjects.map((subject, index) => {
      const note = { kind: 'change', action: 'scale', subject, by: 'ada', reason: 'asked for' } as const;
      return { ...note, details: { to: [1, null, 'ä'] }, at: 101 + index };
    }),
  );
