/**
 * What a config.pbtxt means here: model.yaml's settings, with defaults for deployments. Pure.
 * Invariant: every field that is set to something is taken over, refused as a problem, or named in a note; none is
 * silently dropped. That is checked by the places of the fields, not by what the files beside this one remember to look at.
 */
import { pathInWords, type ConfigurationProblem } from '../../config/problems.ts';
import type { ModelFileInput } from '../../registry/registry.ts';
import { leftOver } from './leftover-fields.ts';
import { noteAt, type ModelConfig, type SetField, type WrittenConfig } from './read-config.ts';
import { refuse } from './refuse.ts';
import { limits, type Remarks } from './remarks.ts';
import { batchingOf, deploymentOf } from './to-deployment.ts';

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
