/**
 * The fields of Triton's `ModelConfig` (triton-inference-server/common, protobuf/model_config.proto), as data: what may
 * stand in a config.pbtxt, with its type. Whether Flyball can honour a field is not said here.
 */

export type ScalarType = 'string' | 'bool' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'float' | 'double';

export type FieldType =
  | ScalarType
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'message'; readonly fields: Fields }
  | { readonly kind: 'map'; readonly key: 'string' | 'uint64'; readonly value: FieldType };

export interface Field {
  readonly type: FieldType;
  readonly repeated: boolean;
  /** Of the fields with one `oneof` in a message at most one may be set. */
  readonly oneof?: string;
}

export type Fields = Readonly<Record<string, Field>>;

const one = (type: FieldType, oneof?: string): Field => ({
  type,
  repeated: false,
  ...(oneof !== undefined && { oneof }),
});
const many = (type: FieldType): Field => ({ type, repeated: true });
const message = (fields: Fields): FieldType => ({ kind: 'message', fields });
const oneOf = (...values: readonly string[]): FieldType => ({ kind: 'enum', values });
const mapOf = (value: FieldType, key: 'string' | 'uint64' = 'string'): FieldType => ({ kind: 'map', key, value });

const dataType = oneOf(
  'TYPE_INVALID',
  'TYPE_BOOL',
  'TYPE_UINT8',
  'TYPE_UINT16',
  'TYPE_UINT32',
  'TYPE_UINT64',
  'TYPE_INT8',
  'TYPE_INT16',
  'TYPE_INT32',
  'TYPE_INT64',
  'TYPE_FP16',
  'TYPE_FP32',
  'TYPE_FP64',
  'TYPE_STRING',
  'TYPE_BF16',
);

const reshape = message({ shape: many('int64') });

const input = message({
  name: one('string'),
  data_type: one(dataType),
  format: one(oneOf('FORMAT_NONE', 'FORMAT_NHWC', 'FORMAT_NCHW')),
  dims: many('int64'),
  reshape: one(reshape),
  is_shape_tensor: one('bool'),
  allow_ragged_batch: one('bool'),
  optional: one('bool'),
  is_non_linear_format_io: one('bool'),
});

const output = message({
  name: one('string'),
  data_type: one(dataType),
  dims: many('int64'),
  reshape: one(reshape),
  label_filename: one('string'),
  is_shape_tensor: one('bool'),
  is_non_linear_format_io: one('bool'),
});

const batchInput = message({
  kind: one(
    oneOf(
      'BATCH_ELEMENT_COUNT',
      'BATCH_ACCUMULATED_ELEMENT_COUNT',
      'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO',
      'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE',
      'BATCH_ITEM_SHAPE',
      'BATCH_ITEM_SHAPE_FLATTEN',
    ),
  ),
  target_name: many('string'),
  data_type: one(dataType),
  source_input: many('string'),
});

const batchOutput = message({
  target_name: many('string'),
  kind: one(oneOf('BATCH_SCATTER_WITH_INPUT_SHAPE')),
  source_input: many('string'),
});

const instanceGroup = message({
  name: one('string'),
  kind: one(oneOf('KIND_AUTO', 'KIND_GPU', 'KIND_CPU', 'KIND_MODEL')),
  count: one('int32'),
  rate_limiter: one(
    message({
      resources: many(message({ name: one('string'), global: one('bool'), count: one('uint32') })),
      priority: one('uint32'),
    }),
  ),
  gpus: many('int32'),
  secondary_devices: many(message({ kind: one(oneOf('KIND_NVDLA')), device_id: one('int64') })),
  profile: many('string'),
  passive: one('bool'),
  host_policy: one('string'),
});

const versionPolicy = message({
  latest: one(message({ num_versions: one('uint32') }), 'policy_choice'),
  all: one(message({}), 'policy_choice'),
  specific: one(message({ versions: many('int64') }), 'policy_choice'),
});

const accelerator = message({ name: one('string'), parameters: mapOfStrings() });
const pinnedMemory = message({ enable: one('bool') });
const cudaShapes = mapOf(message({ dim: many('int64') }));

const optimization = message({
  graph: one(message({ level: one('int32') })),
  priority: one(oneOf('PRIORITY_DEFAULT', 'PRIORITY_MAX', 'PRIORITY_MIN')),
  cuda: one(
    message({
      graphs: one('bool'),
      busy_wait_events: one('bool'),
      graph_spec: many(
        message({
          batch_size: one('int32'),
          input: one(cudaShapes),
          graph_lower_bound: one(message({ batch_size: one('int32'), input: one(cudaShapes) })),
        }),
      ),
      output_copy_stream: one('bool'),
    }),
  ),
  execution_accelerators: one(
    message({ gpu_execution_accelerator: many(accelerator), cpu_execution_accelerator: many(accelerator) }),
  ),
  input_pinned_memory: one(pinnedMemory),
  output_pinned_memory: one(pinnedMemory),
  gather_kernel_buffer_threshold: one('uint32'),
  eager_batching: one('bool'),
});

const queuePolicy = message({
  timeout_action: one(oneOf('REJECT', 'DELAY')),
  default_timeout_microseconds: one('uint64'),
  allow_timeout_override: one('bool'),
  max_queue_size: one('uint32'),
});

const dynamicBatching = message({
  preferred_batch_size: many('int32'),
  max_queue_delay_microseconds: one('uint64'),
  preserve_ordering: one('bool'),
  priority_levels: one('uint64'),
  default_priority_level: one('uint64'),
  default_queue_policy: one(queuePolicy),
  priority_queue_policy: one(mapOf(queuePolicy, 'uint64')),
});

const sequenceBatching = message({
  direct: one(
    message({ max_queue_delay_microseconds: one('uint64'), minimum_slot_utilization: one('float') }),
    'strategy_choice',
  ),
  oldest: one(
    message({
      max_candidate_sequences: one('int32'),
      preferred_batch_size: many('int32'),
      max_queue_delay_microseconds: one('uint64'),
      preserve_ordering: one('bool'),
    }),
    'strategy_choice',
  ),
  max_sequence_idle_microseconds: one('uint64'),
  control_input: many(
    message({
      name: one('string'),
      control: many(
        message({
          kind: one(
            oneOf(
              'CONTROL_SEQUENCE_START',
              'CONTROL_SEQUENCE_READY',
              'CONTROL_SEQUENCE_END',
              'CONTROL_SEQUENCE_CORRID',
            ),
          ),
          int32_false_true: many('int32'),
          fp32_false_true: many('float'),
          bool_false_true: many('bool'),
          data_type: one(dataType),
        }),
      ),
    }),
  ),
  state: many(
    message({
      input_name: one('string'),
      output_name: one('string'),
      data_type: one(dataType),
      dims: many('int64'),
      initial_state: many(
        message({
          data_type: one(dataType),
          dims: many('int64'),
          zero_data: one('bool', 'state_data'),
          data_file: one('string', 'state_data'),
          name: one('string'),
        }),
      ),
      use_same_buffer_for_input_output: one('bool'),
      use_growable_memory: one('bool'),
    }),
  ),
  iterative_sequence: one('bool'),
});

const ensembleScheduling = message({
  step: many(
    message({
      model_name: one('string'),
      model_version: one('int64'),
      input_map: mapOfStrings(),
      output_map: mapOfStrings(),
      model_namespace: one('string'),
    }),
  ),
  max_inflight_responses: one('uint32'),
  max_inflight_requests: one('uint32'),
});

const modelWarmup = message({
  name: one('string'),
  batch_size: one('uint32'),
  inputs: one(
    mapOf(
      message({
        data_type: one(dataType),
        dims: many('int64'),
        zero_data: one('bool', 'input_data_type'),
        random_data: one('bool', 'input_data_type'),
        input_data_file: one('string', 'input_data_type'),
      }),
    ),
  ),
  count: one('uint32'),
});

const modelMetrics = message({
  metric_control: many(
    message({
      metric_identifier: one(message({ family: one('string') })),
      histogram_options: one(message({ buckets: many('double') }), 'metric_options'),
    }),
  ),
});

export const modelConfigFields: Fields = {
  name: one('string'),
  platform: one('string'),
  backend: one('string'),
  runtime: one('string'),
  version_policy: one(versionPolicy),
  max_batch_size: one('int32'),
  input: many(input),
  output: many(output),
  batch_input: many(batchInput),
  batch_output: many(batchOutput),
  optimization: one(optimization),
  dynamic_batching: one(dynamicBatching, 'scheduling_choice'),
  sequence_batching: one(sequenceBatching, 'scheduling_choice'),
  ensemble_scheduling: one(ensembleScheduling, 'scheduling_choice'),
  instance_group: many(instanceGroup),
  default_model_filename: one('string'),
  cc_model_filenames: mapOfStrings(),
  metric_tags: mapOfStrings(),
  parameters: one(mapOf(message({ string_value: one('string') }))),
  model_warmup: many(modelWarmup),
  model_operations: one(message({ op_library_filename: many('string') })),
  model_transaction_policy: one(message({ decoupled: one('bool') })),
  model_repository_agents: one(message({ agents: many(message({ name: one('string'), parameters: mapOfStrings() })) })),
  response_cache: one(message({ enable: one('bool') })),
  model_metrics: one(modelMetrics),
};

function mapOfStrings(): Field {
  return one(mapOf('string'));
}
