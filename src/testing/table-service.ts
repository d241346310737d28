/**
 * An inference service in memory that offers the models of the golden protocol table, for tests: no queue, no replica.
 * Like the real one it holds each request against the model's signature before it answers.
 */
import { FlyballError } from '../errors.ts';
import { toBytes, toTypedArray } from '../protocol/elements.ts';
import type { HangUpSignal } from '../protocol/hang-up.ts';
import type { InferenceRequest, InferenceResponse, InferenceService, ModelMetadata } from '../protocol/inference.ts';
import { isDatatype, type Datatype, type ModelSignature, type Tensor, type TensorSpec } from '../protocol/tensor.ts';
import { validateInputs } from '../protocol/validate.ts';

interface TableModel {
  readonly signature: ModelSignature;
  readonly takesFiles?: boolean;
  compute(inputs: readonly Tensor[]): readonly Tensor[];
}

const spec = (name: string, datatype: Datatype, shape: readonly number[]): TensorSpec => ({ name, datatype, shape });

function identity(datatype: Datatype, shape: readonly number[]): TableModel {
  return {
    signature: {
      inputs: [spec('INPUT0', datatype, shape)],
      outputs: [spec('OUTPUT0', datatype, shape)],
      batchable: false,
    },
    compute: ([input]) => [{ ...(input as Tensor), name: 'OUTPUT0' }],
  };
}

const pair = (names: readonly [string, string]): TensorSpec[] => names.map((name) => spec(name, 'INT32', [1, 16]));

const addsub: TableModel = {
  signature: { inputs: pair(['INPUT0', 'INPUT1']), outputs: pair(['OUTPUT0', 'OUTPUT1']), batchable: false },
  compute(inputs) {
    const [left, right] = ['INPUT0', 'INPUT1'].map(
      (name) => toTypedArray(inputs.find((input) => input.name === name) as Tensor) as Int32Array,
    ) as [Int32Array, Int32Array];
    const output = (name: string, of: (a: number, b: number) => number): Tensor => {
      const elements = Int32Array.from(left, (value, index) => of(value, right[index] ?? 0));
      return { name, datatype: 'INT32', shape: [1, 16], bytes: new Uint8Array(elements.buffer) };
    };
    return [output('OUTPUT0', (a, b) => a + b), output('OUTPUT1', (a, b) => a - b)];
  },
};

const specExample: TableModel = {
  signature: {
    inputs: [spec('input0', 'UINT32', [2, 2]), spec('input1', 'BOOL', [3])],
    outputs: [spec('output0', 'FP32', [3, 2])],
    batchable: false,
  },
  compute: () => [
    {
      name: 'output0',
      datatype: 'FP32',
      shape: [3, 2],
      bytes: toBytes('FP32', [1, 1.1, 2, 2.1, 3, 3.1], [3, 2], 'output0'),
    },
  ],
};

const echoText: TableModel = {
  signature: {
    inputs: [spec('text_input', 'BYTES', [1])],
    outputs: [spec('text_output', 'BYTES', [1])],
    batchable: false,
  },
  compute: ([input]) => [{ ...(input as Tensor), name: 'text_output' }],
};

/** Answers with the number of bytes of the file, readable. */
const sizes: TableModel = { ...identity('UINT8', [1, -1]), takesFiles: true };

function modelOf(name: string): TableModel | undefined {
  const fixed: Readonly<Record<string, TableModel>> = {
    addsub,
    spec_example: specExample,
    echo_text: echoText,
    sizes,
    identity_bytes_1: identity('BYTES', [1]),
    identity_fp16_2d: identity('FP16', [-1, -1]),
    image_fp32: identity('FP32', [-1, 2, 2]),
  };
  if (Object.hasOwn(fixed, name)) return fixed[name];
  const datatype = name.startsWith('identity_') ? name.slice(9).toUpperCase() : '';
  return isDatatype(datatype) ? identity(datatype, [1, -1]) : undefined;
}

export interface TableServiceOptions {
  /** Called in place of computing, to fail or to wait. */
  readonly before?: (request: InferenceRequest, signal: HangUpSignal) => Promise<void>;
}

export function tableService(options: TableServiceOptions = {}): InferenceService {
  function find(name: string, version?: string): TableModel {
    const model = modelOf(name);
    if (model === undefined) throw new FlyballError('MODEL_NOT_FOUND', `expected a served model, got ${name}`);
    if (version !== undefined && version !== '1') {
      throw new FlyballError('VERSION_NOT_FOUND', `model ${name}: expected version 1, got ${version}`);
    }
    return model;
  }
  const zero = { count: 0, ns: 0 };
  return {
    server: () => ({ name: 'flyball', version: '0.1.0', extensions: ['binary_tensor_data', 'statistics'] }),
    live: () => true,
    ready: () => true,
    metadata(name, version): ModelMetadata {
      const { signature, takesFiles } = find(name, version);
      return {
        name,
        versions: ['1'],
        platform: 'memory_table',
        signature,
        properties: { takes_files: String(takesFiles === true) },
      };
    },
    modelReady: (name, version) => find(name, version) !== undefined,
    index: () => [
      { name: 'addsub', version: '1', state: 'READY', reason: '' },
      { name: 'late', version: '1', state: 'LOADING', reason: 'its replica starts' },
    ],
    async statistics(name = 'addsub', version) {
      find(name, version);
      const durations = { success: zero, fail: zero, queue: zero, computeInput: zero, computeInfer: zero };
      const counts = { lastInferenceAt: 0, inferenceCount: 0, executionCount: 0 };
      return [{ name, version: '1', ...counts, ...durations, computeOutput: zero }];
    },
    async infer(request, signal): Promise<InferenceResponse> {
      const model = find(request.model, request.version);
      validateInputs(request, model.signature, { tensorElementsMax: 1_000_000 });
      if (options.before !== undefined) await options.before(request, signal);
      const { payload, id } = request;
      const wanted = request.outputs?.map((output) => output.name) ?? [];
      const outputs = payload.kind === 'tensors' ? model.compute(payload.inputs) : [];
      return {
        model: request.model,
        version: '1',
        ...(id !== undefined && { id }),
        outputs: wanted.length === 0 ? outputs : outputs.filter((output) => wanted.includes(output.name)),
        ...(payload.kind === 'file' && {
          readable: { bytes: payload.bytes.byteLength, contentType: payload.contentType ?? null },
        }),
        timing: { queueMs: 0, computeMs: 0, totalMs: 0, batchSize: 1 },
      };
    },
  };
}
