/**
 * What a config.pbtxt means here: model.yaml's settings, with defaults for deployments. Pure.
 * Invariant: every field that is set to something is taken over, refused as a problem, or named in a note; none is
 * silently dropped. That is checked by the places of the fields, not by what this file remembers to look at.
 */
import { pathInWords, type ConfigurationProblem } from '../../config/problems.ts';
import type { DeploymentDefaults } from '../../config/model-file.ts';
import type { ModelFileInput } from '../../registry/registry.ts';
import { noteAt, type ModelConfig, type QueuePolicyConfig, type SetField, type WrittenConfig } from './read-config.ts';

export type VersionChoice =
  | { readonly kind: 'all' }
  | { readonly kind: 'latest'; readonly count: number }
  | { readonly kind: 'specific'; readonly versions: readonly number[] };

export interface ImportedConfig {
  readonly settings: ModelFileInput;
  /** Name of the model's file in a version's folder, where it is not model.onnx. */
  readonly fileName?: string;
  readonly versions: VersionChoice;
  /** What is not as Triton has it, each with its place, for people. */
  readonly notes: readonly string[];
}

export type ToSettings =
  | ({ readonly kind: 'settings' } & ImportedConfig)
  | { readonly kind: 'problems'; readonly problems: readonly ConfigurationProblem[] };

/** Limits of model.yaml and of deployments. */
const limits = { batch: 1024, delayMs: 1000, replicas: 1000, priorities: 16, queue: 100_000, threads: 256 };
const deadlineMsMax = 2 ** 31 - 1;

/** Collects what is said about fields by their paths; the places come from the text. */
interface Remarks {
  readonly note: (path: string, text: string) => void;
  readonly problem: (path: string, text: string) => void;
}

/** `file` is what notes call the text. */
export function toSettings({ config, set }: WrittenConfig, file: string): ToSettings {
  const notes: string[] = [];
  const problems: ConfigurationProblem[] = [];
  const fieldAt = (path: string): SetField | undefined =>
    set.find((field) => pathInWords(field.path) === path) ??
    set.find((field) => pathInWords(field.path).startsWith(path));
  const remarks: Remarks = {
    note(path, text) {
      const found = fieldAt(path);
      notes.push(found === undefined ? `${file}: ${path}: ${text}` : noteAt(file, [path], found.place, text));
    },
    problem: (path, text) => void problems.push({ path: [path], text, ...fieldAt(path)?.place }),
  };

  refuse(config, remarks);
  const labels = parameterLabels(config, remarks);
  const threads = threadsOf(config, remarks);
  const batching = batchingOf(config, remarks);
  const deployment = deploymentOf(config, remarks);
  const warmUp = warmUpOf(config, remarks);
  const output = outputOf(config, remarks);
  notes.push(...leftOver(set, file));
  if (problems.length > 0) return { kind: 'problems', problems };
  const fileName = config.default_model_filename;
  return {
    kind: 'settings',
    settings: {
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(output !== undefined && { output }),
      ...(batching !== undefined && { batching }),
      ...(threads !== undefined && { threads }),
      ...(Object.keys(deployment).length > 0 && { deployment }),
      ...(warmUp !== undefined && { warmUp }),
    },
    ...(fileName !== undefined && fileName !== '' && { fileName }),
    versions: versionsOf(config),
    notes: notes.toSorted((left, right) => placeOrder(left) - placeOrder(right)),
  };
}

const placeOrder = (note: string): number => Number(/:(\d+):\d+:/.exec(note)?.[1] ?? 0);

/** What would give wrong answers if it were left out. */
function refuse(config: ModelConfig, { problem }: Remarks): void {
  const { platform = '', backend = '' } = config;
  const way = 'export the model to ONNX, or keep Triton for it and put it behind a deployment as another server';
  if (platform !== '' && platform !== 'onnxruntime_onnx')
    problem('platform', `expected onnxruntime_onnx, got ${JSON.stringify(platform)}; ${way}`);
  if (backend !== '' && backend !== 'onnxruntime')
    problem('backend', `expected onnxruntime, got ${JSON.stringify(backend)}; ${way}`);
  if (config.ensemble_scheduling !== undefined)
    problem('ensemble_scheduling', 'ensembles are not served; deploy each model of it by itself');
  if (config.sequence_batching !== undefined)
    problem('sequence_batching', 'sequences are not kept apart here, so a stateful model would answer wrongly');
  if ((config.model_operations?.op_library_filename ?? []).length > 0)
    problem('model_operations', 'libraries of custom operators are not loaded');
  if (config.model_transaction_policy?.decoupled === true)
    problem('model_transaction_policy.decoupled', 'expected one answer a request: decoupled models are not served');
  if ((config.batch_input ?? []).length > 0) problem('batch_input', 'inputs are not made from batches here');
  if ((config.batch_output ?? []).length > 0) problem('batch_output', 'outputs are not scattered over batches here');
  const { default_model_filename: name } = config;
  if (name !== undefined && name !== '' && !/^[^/\\\0]+\.onnx$/.test(name))
    problem(
      'default_model_filename',
      `expected the name of an .onnx file in the version's folder, got ${JSON.stringify(name)}`,
    );
}

function batchingOf(
  { max_batch_size: most, dynamic_batching: dynamic }: ModelConfig,
  { note, problem }: Remarks,
): ModelFileInput['batching'] {
  if (most !== undefined && most < 0) problem('max_batch_size', `expected 0 or more, got ${most}`);
  // Without a size Triton finds one by itself, and so does a deployment.
  if (most === undefined && dynamic === undefined) return undefined;
  // No batch dimension, or one that only a caller's own rows fill: requests are not put together.
  const size = most !== undefined && (most === 0 || dynamic === undefined) ? 1 : most;
  if (size !== undefined && size > limits.batch)
    note('max_batch_size', `batches have at most ${limits.batch} rows here`);
  const sizes = dynamic?.preferred_batch_size ?? [];
  if (most !== undefined && most > 0 && sizes.some((preferred) => preferred < 1 || preferred > most))
    problem(
      'dynamic_batching.preferred_batch_size',
      `expected sizes of 1 to max_batch_size, ${most}, got ${sizes.join(', ')}`,
    );
  if (most === 0 && dynamic !== undefined) note('dynamic_batching', 'has no effect: max_batch_size is 0');
  else if (sizes.length > 0)
    note(
      'dynamic_batching.preferred_batch_size',
      `batches are not held to ${sizes.join(', ')}: what waits goes together, up to max_batch_size; warm-up measures these sizes`,
    );
  const delayMs = (dynamic?.max_queue_delay_microseconds ?? 0) / 1000;
  if (delayMs > limits.delayMs)
    note(
      'dynamic_batching.max_queue_delay_microseconds',
      `a batch waits ${limits.delayMs} ms at most here, not ${delayMs} ms`,
    );
  if (dynamic?.preserve_ordering === true)
    note(
      'dynamic_batching.preserve_ordering',
      'each answer goes out when it is there, on the request that it belongs to',
    );
  return {
    ...(size !== undefined && { sizeMax: Math.min(size, limits.batch) }),
    ...(delayMs > 0 && { delayMs: Math.min(delayMs, limits.delayMs) }),
  };
}

function deploymentOf(config: ModelConfig, remarks: Remarks): DeploymentDefaults {
  const { note, problem } = remarks;
  const dynamic = config.dynamic_batching;
  const policy = dynamic?.default_queue_policy ?? {};
  const queue: { lengthMax?: number; priorityLevels?: number; priorityDefault?: number } = {};
  const size = policy.max_queue_size ?? 0;
  if (size > limits.queue)
    note('dynamic_batching.default_queue_policy.max_queue_size', `a queue holds ${limits.queue} requests at most here`);
  if (size > 0) queue.lengthMax = Math.min(size, limits.queue);
  const levels = dynamic?.priority_levels ?? 0;
  const level = dynamic?.default_priority_level ?? 0;
  if (levels > limits.priorities)
    note(
      'dynamic_batching.priority_levels',
      `there are ${limits.priorities} levels at most here; lower ones share the last`,
    );
  if (levels > 0 && (level < 1 || level > levels))
    problem('dynamic_batching.default_priority_level', `expected 1 to priority_levels, ${levels}, got ${level}`);
  if (levels > 0) {
    queue.priorityLevels = Math.min(levels, limits.priorities);
    queue.priorityDefault = Math.min(Math.max(level, 1), limits.priorities);
  }
  const deadline = deadlineOf(policy, remarks);
  const replicas = replicasOf(config, remarks);
  return {
    ...(replicas !== undefined && { replicas: { min: replicas, max: replicas } }),
    ...(Object.keys(queue).length > 0 && { queue }),
    ...(deadline !== undefined && { deadline }),
  };
}

/** Triton's timeout is one of the queue; here a deadline is one of the answer, so the queue can only be left earlier. */
function deadlineOf(policy: QueuePolicyConfig, { note }: Remarks): DeploymentDefaults['deadline'] {
  const at = 'dynamic_batching.default_queue_policy';
  const microseconds = policy.default_timeout_microseconds ?? 0;
  if (policy.timeout_action === 'DELAY') {
    note(
      `${at}.timeout_action`,
      'nothing is answered late here: what misses its deadline is refused with 504. default_timeout_microseconds is left out, so that only deadlines of the callers count',
    );
    return undefined;
  }
  if (microseconds === 0) return undefined;
  const defaultMs = Math.min(Math.max(1, Math.ceil(microseconds / 1000)), deadlineMsMax);
  if (policy.allow_timeout_override !== true)
    note(
      `${at}.default_timeout_microseconds`,
      "a request's own timeout counts too where it is shorter, although allow_timeout_override is not set",
    );
  return { defaultMs, maxMs: defaultMs };
}

function replicasOf({ instance_group: groups = [] }: ModelConfig, { note, problem }: Remarks): number | undefined {
  let count = 0;
  for (const [index, group] of groups.entries()) {
    const at = `instance_group[${index}]`;
    const own = group.count ?? 0;
    if (own < 0) problem(`${at}.count`, `expected 0 or more, got ${own}`);
    if (group.kind === 'KIND_GPU' || group.kind === 'KIND_MODEL') note(`${at}.kind`, 'replicas run on the CPU');
    if (group.passive === true)
      note(`${at}.passive`, 'its instances are left out: a replica that gets no requests is none');
    else count += Math.max(own, 1);
  }
  if (count > limits.replicas)
    note('instance_group', `a deployment has ${limits.replicas} replicas at most here, not ${count}`);
  return count === 0 ? undefined : Math.min(count, limits.replicas);
}

function warmUpOf(
  { model_warmup: samples = [], dynamic_batching: dynamic }: ModelConfig,
  { note }: Remarks,
): ModelFileInput['warmUp'] {
  for (const [index, { inputs = {} }] of samples.entries()) {
    for (const [name, input] of Object.entries(inputs)) {
      const at = `model_warmup[${index}].inputs.${name}`;
      if (input.random_data === true) note(`${at}.random_data`, 'warm-up runs on zeros');
      if (input.input_data_file !== undefined)
        note(`${at}.input_data_file`, 'warm-up runs on zeros; give samples with warmUp.samples in a model.yaml');
    }
  }
  const sizes = [...samples.map((sample) => sample.batch_size ?? 1), ...(dynamic?.preferred_batch_size ?? [])];
  if (sizes.length === 0) return undefined;
  const measured = new Set([1, ...sizes].filter((rows) => rows >= 1 && rows <= limits.batch));
  return { batchSizes: [...measured].toSorted((left, right) => left - right) };
}

function threadsOf({ parameters = {} }: ModelConfig, { problem }: Remarks): number | undefined {
  const written = parameters['intra_op_thread_count']?.string_value;
  // 0 is the runtime's own choice, one thread a core; a deployment's own default is better then.
  if (written === undefined || written === '0') return undefined;
  const count = /^\d{1,4}$/.test(written) ? Number(written) : Number.NaN;
  if (count >= 1 && count <= limits.threads) return count;
  problem(
    'parameters.intra_op_thread_count',
    `expected a number of threads of 0 to ${limits.threads}, got ${JSON.stringify(written)}`,
  );
  return undefined;
}

/** Free parameters are kept with the version, where people and programs can read them. */
function parameterLabels({ parameters = {} }: ModelConfig, { note }: Remarks): Record<string, string> {
  const others = Object.entries(parameters).filter(([name]) => name !== 'intra_op_thread_count');
  for (const [name] of others) note(`parameters.${name}`, 'is kept as a label of the version and has no effect');
  return Object.fromEntries(others.map(([name, { string_value: value = '' }]) => [name, value]));
}

function outputOf({ output: outputs = [] }: ModelConfig, { note }: Remarks): ModelFileInput['output'] {
  let stage: ModelFileInput['output'];
  for (const [index, { name = '', label_filename: labels = '' }] of outputs.entries()) {
    if (labels === '') continue;
    const at = `output[${index}].label_filename`;
    if (stage !== undefined) note(at, 'labels are read for one output, the first that has them');
    else {
      stage = { kind: 'classification', output: name, labels };
      note(
        at,
        'labels are given on /predictions, for a file, when a model.yaml declares a pipeline; /v2 answers with tensors',
      );
    }
  }
  return stage;
}

function versionsOf({ version_policy: policy }: ModelConfig): VersionChoice {
  if (policy?.specific !== undefined) return { kind: 'specific', versions: policy.specific.versions ?? [] };
  // Without a policy Triton serves the newest, and so does a deployment; the older ones are good to have.
  if (policy?.latest === undefined) return { kind: 'all' };
  return { kind: 'latest', count: Math.max(1, policy.latest.num_versions ?? 1) };
}

/** Fields that the functions above, or the check against the model's file, deal with; without indices and keys. */
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

function leftOver(set: readonly SetField[], file: string): string[] {
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
