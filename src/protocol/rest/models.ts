/** What the V2 protocol and Triton's extensions say about server and models, as JSON values. No request is read here. */
import type {
  BatchStatistic,
  DurationStatistic,
  ModelMetadata,
  ModelStatistics,
  RepositoryEntry,
} from '../inference.ts';
import type { TensorSpec } from '../tensor.ts';

const tensor = ({ name, datatype, shape }: TensorSpec): object => ({ name, datatype, shape });

export function toModelMetadata(metadata: ModelMetadata): object {
  return {
    name: metadata.name,
    versions: metadata.versions,
    platform: metadata.platform,
    inputs: metadata.signature.inputs.map(tensor),
    outputs: metadata.signature.outputs.map(tensor),
    ...(metadata.properties !== undefined && { properties: metadata.properties }),
  };
}

export function toRepositoryIndex(entries: readonly RepositoryEntry[], readyOnly: boolean): readonly object[] {
  return entries
    .filter((entry) => !readyOnly || entry.state === 'READY')
    .map(({ name, version, state, reason }) => ({ name, version, state, reason }));
}

const duration = ({ count, ns }: DurationStatistic): object => ({ count, ns });

const batch = ({ size, computeInput, computeInfer, computeOutput }: BatchStatistic): object => ({
  batch_size: size,
  compute_input: duration(computeInput),
  compute_infer: duration(computeInfer),
  compute_output: duration(computeOutput),
});

/** There is no response cache, so its two figures are always zero; Triton's clients expect them. */
const none = { count: 0, ns: 0 };

export function toStatistics(statistics: readonly ModelStatistics[]): object {
  return {
    model_stats: statistics.map((one) => ({
      name: one.name,
      version: one.version,
      last_inference: one.lastInferenceAt,
      inference_count: one.inferenceCount,
      execution_count: one.executionCount,
      inference_stats: {
        success: duration(one.success),
        fail: duration(one.fail),
        queue: duration(one.queue),
        compute_input: duration(one.computeInput),
        compute_infer: duration(one.computeInfer),
        compute_output: duration(one.computeOutput),
        cache_hit: none,
        cache_miss: none,
      },
      // Triton has them for models that answer several times; these answer once.
      response_stats: {},
      batch_stats: (one.batches ?? []).map(batch),
      memory_usage: [],
    })),
  };
}
