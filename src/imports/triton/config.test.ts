import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkModelFile } from '../../config/load.ts';
import { problemsInWords } from '../../config/problems.ts';
import type { ModelSignature } from '../../protocol/tensor.ts';
import { checkSignature } from './check-signature.ts';
import { chooseVersions } from './choose-versions.ts';
import { modelConfigFields, type Fields, type FieldType } from './config-fields.ts';
import { readConfig, type WrittenConfig } from './read-config.ts';
import { toSettings, type ImportedConfig } from './to-settings.ts';

function written(text: string): WrittenConfig {
  const read = readConfig(text);
  assert.ok(read.kind === 'config', read.kind === 'problems' ? problemsInWords('c', read.problems) : '');
  return read;
}

function imported(text: string): ImportedConfig {
  const made = toSettings(written(text), 'c');
  assert.ok(made.kind === 'settings', made.kind === 'problems' ? problemsInWords('c', made.problems) : '');
  checkModelFile(made.settings, 'c');
  return made;
}

function refusal(text: string): string {
  const read = readConfig(text);
  if (read.kind === 'problems') return problemsInWords('c', read.problems);
  const made = toSettings(read, 'c');
  assert.ok(made.kind === 'problems', 'it was taken');
  return problemsInWords('c', made.problems);
}

test('a configuration as Triton’s documentation has it becomes settings', () => {
  const { settings, versions, notes, fileName } = imported(`
    name: "densenet"
    platform: "onnxruntime_onnx"
    max_batch_size: 16
    default_model_filename: "net.onnx"
    version_policy: { latest: { num_versions: 2 } }
    dynamic_batching {
      max_queue_delay_microseconds: 500
      priority_levels: 4
      default_priority_level: 3
      default_queue_policy {
        timeout_action: REJECT
        default_timeout_microseconds: 1500000
        allow_timeout_override: true
        max_queue_size: 64
      }
    }
    instance_group [ { count: 2 kind: KIND_CPU }, { count: 1 kind: KIND_CPU } ]
    parameters { key: "intra_op_thread_count" value { string_value: "3" } }
    model_warmup [ { name: "w" batch_size: 8 inputs { key: "x" value { data_type: TYPE_FP32 dims: 3 zero_data: true } } } ]
  `);
  assert.deepEqual(settings, {
    batching: { sizeMax: 16, delayMs: 0.5 },
    threads: 3,
    deployment: {
      replicas: { min: 3, max: 3 },
      queue: { lengthMax: 64, priorityLevels: 4, priorityDefault: 3 },
      deadline: { defaultMs: 1500, maxMs: 1500 },
    },
    warmUp: { batchSizes: [1, 8] },
  });
  assert.deepEqual([versions, fileName, notes], [{ kind: 'latest', count: 2 }, 'net.onnx', []]);
});

test('requests are put together only where Triton would', () => {
  assert.deepEqual(imported('max_batch_size: 8').settings.batching, { sizeMax: 1 });
  assert.deepEqual(imported('max_batch_size: 8 dynamic_batching { }').settings.batching, { sizeMax: 8 });
  assert.deepEqual(imported('max_batch_size: 0').settings.batching, { sizeMax: 1 });
  assert.equal(imported('name: "m"').settings.batching, undefined);
});

test('what is not as in Triton is named with its place', () => {
  const { notes } = imported(`max_batch_size: 2000
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  preserve_ordering: true
  max_queue_delay_microseconds: 5000000
  priority_levels: 100 default_priority_level: 50
  priority_queue_policy { key: 1 value { max_queue_size: 3 } }
}
instance_group { kind: KIND_GPU gpus: [ 0, 1 ] }
response_cache { enable: true }
optimization { execution_accelerators { cpu_execution_accelerator: [ { name: "openvino" } ] } }
parameters { key: "colour" value { string_value: "blue" } }
`);
  const expected = [
    /^c:1:\d+: max_batch_size: batches have at most 1024 rows here$/,
    /^c:3:\d+: dynamic_batching\.preferred_batch_size: batches are not held to 4, 8/,
    /^c:4:\d+: dynamic_batching\.preserve_ordering: /,
    /^c:5:\d+: dynamic_batching\.max_queue_delay_microseconds: a batch waits 1000 ms at most here, not 5000 ms$/,
    /^c:6:\d+: dynamic_batching\.priority_levels: there are 16 levels at most here/,
    /^c:7:\d+: dynamic_batching\.priority_queue_policy: one queue policy holds for all priorities$/,
    /^c:9:\d+: instance_group\[0\]\.kind: replicas run on the CPU$/,
    /^c:9:\d+: instance_group\[0\]\.gpus: replicas run on the CPU$/,
    /^c:10:\d+: response_cache: answers are not cached$/,
    /^c:11:\d+: optimization: the runtime on the CPU has no such setting$/,
    /^c:12:\d+: parameters\.colour: is kept as a label of the version and has no effect$/,
  ];
  assert.equal(notes.length, expected.length, notes.join('\n'));
  for (const [index, pattern] of expected.entries()) assert.match(notes[index] ?? '', pattern);
  assert.deepEqual(
    imported('response_cache { enable: false } dynamic_batching { preserve_ordering: false }').notes,
    [],
  );
});

test('a timeout that only delays is no deadline', () => {
  const { settings, notes } = imported(
    'dynamic_batching { default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 100 } }',
  );
  assert.equal(settings.deployment, undefined);
  assert.match(notes.join(), /timeout_action: nothing is answered late here/);
});

test('what would answer wrongly is refused with the way out', () => {
  assert.match(
    refusal('platform: "tensorflow_savedmodel"'),
    /c:1:\d+: platform: expected onnxruntime_onnx, got "tensorflow_savedmodel"; export the model to ONNX/,
  );
  assert.match(refusal('backend: "python"'), /backend: expected onnxruntime, got "python"/);
  assert.match(refusal('sequence_batching { }'), /sequence_batching: sequences are not kept apart/);
  assert.match(refusal('ensemble_scheduling { step { model_name: "a" } }'), /ensembles are not served/);
  assert.match(refusal('model_transaction_policy { decoupled: true }'), /decoupled models are not served/);
  assert.match(refusal('model_operations { op_library_filename: "a.so" }'), /custom operators/);
  assert.match(refusal('default_model_filename: "../../etc/passwd"'), /expected the name of an \.onnx file/);
});

test('mistakes are all listed, with the nearest field or value', () => {
  const text = refusal(`max_batchsize: 8
dynamic_batching { prefered_batch_size: 4 }
instance_group { count: "2" kind: KIND_CP }
max_batch_size: 99999999999
version_policy { latest { num_versions: 1 } all { } }
input { data_type: "TYPE_FP32" }
name: "a" name: "b"`);
  for (const expected of [
    'c:1:1: max_batchsize: unknown field; did you mean max_batch_size',
    'c:2:20: dynamic_batching.prefered_batch_size: unknown field; did you mean preferred_batch_size',
    'c:3:25: instance_group[0].count: expected a whole number of -2^31 to 2^31-1, got "2"',
    'c:3:35: instance_group[0].kind: expected KIND_AUTO, KIND_GPU, KIND_CPU, KIND_MODEL, got KIND_CP; did you mean KIND_CPU',
    'c:4:17: max_batch_size: expected a whole number',
    'c:5:45: version_policy.all: excludes latest, which is given too',
    'c:6:20: input[0].data_type: expected TYPE_INVALID',
    'got "TYPE_FP32", without quotes',
    'c:7:11: name: is given twice',
  ])
    assert.ok(text.includes(expected), `${expected}\n in\n${text}`);
  assert.match(
    refusal('dynamic_batching { priority_levels: 3 }'),
    /default_priority_level: expected 1 to priority_levels, 3, got 0/,
  );
});

const model: ModelSignature = {
  inputs: [
    { name: 'image', datatype: 'FP32', shape: [-1, 3, 224, 224] },
    { name: 'mask', datatype: 'BYTES', shape: [-1, -1] },
  ],
  outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 10] }],
  batchable: true,
};
const check = (text: string, signature = model) => checkSignature(written(text), signature, 'c');

test('tensors are held against the model’s file', () => {
  const good = `max_batch_size: 8
    input [ { name: "image" data_type: TYPE_FP32 dims: [ 3, 224, 224 ] }, { name: "mask" data_type: TYPE_STRING dims: [ -1 ] } ]
    output { name: "scores" data_type: TYPE_FP32 dims: 10 }`;
  assert.deepEqual(check(good), { problems: [], notes: [] });
  const text = problemsInWords(
    'c',
    check(`max_batch_size: 8
input { name: "imag" data_type: TYPE_FP32 dims: 1 }
input { name: "mask" data_type: TYPE_INT32 dims: [ 2, 2 ] }`).problems,
  );
  assert.match(text, /c:2:15: input\[0\]\.name: expected an input of the model's file, got "imag"; did you mean image/);
  assert.match(text, /c:3:33: input\[1\]\.data_type: expected BYTES as in the model's file, got INT32/);
  assert.match(
    text,
    /c:3:\d+: input\[1\]\.dims: expected \[-1\] as in the model's file \(after the batch\), got \[2,2\]/,
  );
});

test('a batch size for a model without a batch dimension is a mistake with two ways out', () => {
  const fixed: ModelSignature = { ...model, inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4] }] };
  const text = 'max_batch_size: 4 input { name: "x" data_type: TYPE_FP32 dims: 4 }';
  assert.match(
    problemsInWords('c', check(text, fixed).problems),
    /c:1:17: max_batch_size: expected 0, got 4: the first dimension of x is 1/,
  );
  assert.deepEqual(check(text.replace('4 input', '0 input').replace('dims: 4', 'dims: [ 1, 4 ]'), fixed).problems, []);
});

test('tensors that callers see otherwise than in Triton are noted', () => {
  const { notes, problems } = check(`max_batch_size: 8
input { name: "image" data_type: TYPE_FP32 dims: [ 150528 ] reshape { shape: [ 3, 224, 224 ] } optional: true }
input { name: "mask" data_type: TYPE_STRING dims: [ 4 ] }`);
  assert.deepEqual(problems, []);
  assert.match(
    notes.join('\n'),
    /input\[0\]\.reshape: tensors are not reshaped: callers send \[-1,3,224,224\], not \[150528\] after the batch/,
  );
  assert.match(notes.join('\n'), /input\[0\]\.optional: callers must send image/);
  assert.match(notes.join('\n'), /input\[1\]\.dims: \[-1,-1\] is taken, as in the model's file/);
  assert.match(
    check('input { name: "image" data_type: TYPE_FP32 dims: [ -1, 3, 224, 224 ] }').notes.join(),
    /the model's file has mask too, which callers must send/,
  );
});

test('a version policy chooses among what is there', () => {
  assert.deepEqual(chooseVersions([1, 2, 3], { kind: 'all' }, 'c').versions, [1, 2, 3]);
  assert.deepEqual(chooseVersions([1, 2, 3], { kind: 'latest', count: 1 }, 'c'), {
    versions: [3],
    missing: [],
    notes: ['c: version_policy leaves out 1, 2'],
  });
  const two = chooseVersions([1, 2, 3], { kind: 'specific', versions: [1, 3, 7] }, 'c');
  assert.deepEqual([two.versions, two.missing, two.notes.length], [[1, 3], [7], 2]);
});

/** A path through the schema to each leaf, with a text that sets it to something that is no default. */
function leaves(fields: Fields, path: string, wrap: (inner: string) => string): [path: string, text: string][] {
  return Object.entries(fields).flatMap(([name, { type }]) => {
    const own = path === '' ? name : `${path}.${name}`;
    return leavesOf(type, own, (inner) => wrap(`${name} ${inner}`));
  });
}

function leavesOf(type: FieldType, path: string, wrap: (inner: string) => string): [string, string][] {
  if (typeof type === 'string') {
    const value = type === 'string' ? '"x.onnx"' : type === 'bool' ? 'true' : '2';
    return [[path, wrap(`: ${value}`)]];
  }
  if (type.kind === 'enum') return [[path, wrap(`: ${type.values.at(-1)}`)]];
  if (type.kind === 'message') {
    const inner = leaves(type.fields, path, (one) => wrap(`{ ${one} }`));
    return inner.length > 0 ? inner : [[path, wrap('{ }')]];
  }
  const key = type.key === 'string' ? '"k"' : '1';
  return leavesOf(type.value, path, (inner) => wrap(`{ key: ${key} value ${inner} }`));
}

/** Set alone, these say nothing that could be otherwise here, or only together with another. */
const harmless: ReadonlySet<string> = new Set([
  'name',
  'version_policy.all',
  'model_warmup.name',
  'model_warmup.count',
  'model_warmup.inputs.data_type',
  'model_warmup.inputs.dims',
  'model_warmup.inputs.zero_data',
  'dynamic_batching.default_priority_level',
  'dynamic_batching.default_queue_policy.allow_timeout_override',
]);
/** Left to the check against the model's file. */
const tensorField = /^(?:input|output)\.(?:name|data_type|dims|reshape\.shape|optional)$/;

test('no field of Triton’s is silently dropped: setting it changes settings, or gives a note or a problem', () => {
  const all = leaves(modelConfigFields, '', (inner) => inner);
  assert.ok(all.length > 100);
  const outcome = (text: string): string => {
    const read = readConfig(text);
    if (read.kind === 'problems') return JSON.stringify(read.problems);
    return JSON.stringify(toSettings(read, 'c'));
  };
  const empty = outcome('');
  for (const [path, text] of all) {
    assert.equal(readConfig(text).kind, 'config', text);
    if (harmless.has(path) || tensorField.test(path)) continue;
    // What a message says by being there at all is not what the field says.
    const base = text.startsWith('dynamic_batching') ? outcome('dynamic_batching { }') : empty;
    assert.notEqual(outcome(text), base, `${path} is dropped: ${text}`);
  }
});

test('whatever of the schema is written, the settings are valid and the outcome is total', () => {
  const all = leaves(modelConfigFields, '', (inner) => inner).map(([, text]) => text);
  fc.assert(
    fc.property(fc.subarray(all, { maxLength: 8 }), (texts) => {
      const read = readConfig(texts.join('\n'));
      if (read.kind === 'problems') return;
      const made = toSettings(read, 'c');
      if (made.kind === 'settings') checkModelFile(made.settings, 'c');
    }),
  );
});
