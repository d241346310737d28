/**
 * Triton's model configuration of what is served, made from signature and settings: for clients that ask for it before
 * they measure or batch. Names and datatypes are those of the metadata; a batchable model's dims lack the batch, as
 * Triton has it, and its max_batch_size is above 0. Pure. What Triton has and this server does not is left out.
 */
import type { ModelMetadata } from './inference.ts';
import type { Datatype, TensorSpec } from './tensor.ts';

/** Rows in one call where their number is learned: the most that will be learned. */
const learnedRowsMax = 64;

const typeOf = (datatype: Datatype): string => `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`;

export function toModelConfig({ name, platform, signature, settings }: ModelMetadata): object {
  const { batchable } = signature;
  const dims = ({ shape }: TensorSpec): readonly number[] => (batchable ? shape.slice(1) : shape);
  const rows = settings?.batching.sizeMax ?? 1;
  return {
    name,
    platform,
    backend: platform.split('_')[0] ?? platform,
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: batchable ? (rows === 'auto' ? learnedRowsMax : rows) : 0,
    input: signature.inputs.map((spec) => ({
      name: spec.name,
      data_type: typeOf(spec.datatype),
      format: 'FORMAT_NONE',
      dims: dims(spec),
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: false,
    })),
    output: signature.outputs.map((spec) => ({
      name: spec.name,
      data_type: typeOf(spec.datatype),
      dims: dims(spec),
      label_filename: '',
      is_shape_tensor: false,
    })),
    ...(settings !== undefined && { dynamic_batching: dynamicBatching(settings) }),
    instance_group: [{ name, kind: 'KIND_CPU', count: settings?.replicas ?? 1, gpus: [] }],
    default_model_filename: platform.startsWith('onnxruntime') ? 'model.onnx' : '',
    parameters: {},
  };
}

function dynamicBatching({ batching, queue, deadline }: NonNullable<ModelMetadata['settings']>): object {
  return {
    preferred_batch_size: [],
    max_queue_delay_microseconds: Math.round(batching.delayMs * 1000),
    preserve_ordering: false,
    priority_levels: queue.priorityLevels,
    default_priority_level: Math.min(queue.priorityDefault, queue.priorityLevels),
    default_queue_policy: {
      timeout_action: 'REJECT',
      default_timeout_microseconds: deadline.defaultMs * 1000,
      allow_timeout_override: true,
      max_queue_size: queue.lengthMax,
    },
    priority_queue_policy: {},
  };
}
