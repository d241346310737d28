/** The fields of a config.pbtxt that nothing here deals with: each is named with why it has no effect. */
import { pathInWords } from '../../config/problems.ts';
import { noteAt, type SetField } from './read-config.ts';

/** Fields that settings are made of, that are refused, or that are checked against the model's file; without indices and keys. */
const dealtWith: readonly RegExp[] = [
  /^(?:name|platform|backend|max_batch_size|default_model_filename)$/,
  /^(?:input|output)\[\]\.(?:name|data_type|dims|reshape(?:\.shape)?|label_filename|optional)$/,
  /^version_policy(?:\.|$)/,
  /^dynamic_batching(?:\.(?:preferred_batch_size|max_queue_delay_microseconds|preserve_ordering|priority_levels|default_priority_level))?$/,
  /^dynamic_batching\.default_queue_policy(?:\.|$)/,
  /^instance_group\[\](?:\.(?:kind|count|passive))?$/,
  /^parameters(?:\.|$)/,
  // How often a sample is run is settled by measuring until the calls are steady.
  /^model_warmup\[\](?:\.(?:name|batch_size|count|inputs\..*))?$/,
  /^(?:ensemble_scheduling|sequence_batching|model_operations|batch_input|batch_output)/,
  /^model_transaction_policy(?:\.|$)/,
];

/** Why the rest has no effect, by the beginning of the path: the field itself is named by the longest that fits. */
const reasons: readonly (readonly [prefix: string, reason: string])[] = [
  ['dynamic_batching.priority_queue_policy', 'one queue policy holds for all priorities'],
  ['instance_group[].name', 'replicas have names of their own'],
  ['instance_group[].gpus', 'replicas run on the CPU'],
  ['instance_group[].rate_limiter', 'replicas are limited by resources.cpu and resources.memory of a deployment'],
  ['instance_group[].host_policy', 'replicas are limited by resources.cpu and resources.memory of a deployment'],
  ['instance_group[].secondary_devices', 'replicas run on the CPU'],
  ['instance_group[].profile', 'profiles are TensorRT’s'],
  ['input[].format', 'clients are told names, datatypes and shapes'],
  ['input[].allow_ragged_batch', 'only requests of one shape go together in a batch'],
  ['optimization.graph', 'see resources.graphOptimisation of a deployment, which is `all` by default'],
  ['optimization', 'the runtime on the CPU has no such setting'],
  ['response_cache', 'answers are not cached'],
  ['metric_tags', 'metrics have the labels deployment and version'],
  ['model_metrics', 'the buckets of histograms are fixed'],
  ['cc_model_filenames', 'files for compute capabilities of GPUs are not looked at'],
  ['model_repository_agents', 'no agents are run'],
  ['runtime', 'the runtime is ONNX Runtime on the CPU'],
];

/** One note a field, however often it is set. */
export function leftOver(set: readonly SetField[], file: string): string[] {
  const notes = new Map<string, string>();
  for (const { path, place, isDefault } of set) {
    const general = path.reduce<string>(
      (before, part) => (typeof part === 'number' ? `${before}[]` : before === '' ? part : `${before}.${part}`),
      '',
    );
    if (isDefault || dealtWith.some((pattern) => pattern.test(general))) continue;
    const known = reasons.find(
      ([prefix]) => general === prefix || general.startsWith(`${prefix}.`) || general.startsWith(`${prefix}[`),
    );
    const depth = known === undefined ? path.length : depthOf(path, known[0]);
    const shown = path.slice(0, depth);
    const key = pathInWords(shown);
    if (!notes.has(key)) notes.set(key, noteAt(file, shown, place, known?.[1] ?? 'has no effect here'));
  }
  return [...notes.values()];
}

/** How many parts of the path the prefix stands for. */
function depthOf(path: readonly (string | number)[], prefix: string): number {
  return Math.min(path.length, prefix.replaceAll('[]', '.[]').split('.').length);
}
