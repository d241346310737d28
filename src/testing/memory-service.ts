/**
 * An inference service without a model: `addsub` (INT32 [-1,16]: sum and difference), `identity_<dtype>` for every
 * datatype ([-1,-1]), and `pending`, which answers only when it is cancelled. What every protocol is tested against;
 * it validates as the real ones do, and its arithmetic is the plainest there is.
 */
import { FlyballError } from '../errors.ts';
import { toTypedArray } from '../protocol/elements.ts';
import type {
  InferenceRequest,
  InferenceResponse,
  InferenceService,
  ModelMetadata,
  ModelStatistics,
} from '../protocol/inference.ts';
import { datatypeWidths, type Datatype, type ModelSignature, type Tensor } from '../protocol/tensor.ts';
import { validateInputs } from '../protocol/validate.ts';

const seenMax = 100;
const zero = { count: 0, ns: 0 };

export interface MemoryService extends InferenceService {
  /** The last requests that came in, as the protocol understood them. */
  readonly seen: readonly InferenceRequest[];
  /** Requests to `pending` that were cancelled. */
  readonly cancelled: number;
  setReady(ready: boolean): void;
  /** The next request fails with this. */
  failNext(error: Error): void;
}

const tensor = (name: string, datatype: Datatype, shape: readonly number[]) => ({ name, datatype, shape });

const signatures = new Map<string, ModelSignature>([
  [
    'addsub',
    {
      inputs: [tensor('INPUT0', 'INT32', [-1, 16]), tensor('INPUT1', 'INT32', [-1, 16])],
      outputs: [tensor('OUTPUT0', 'INT32', [-1, 16]), tensor('OUTPUT1', 'INT32', [-1, 16])],
      batchable: true,
    },
  ],
  [
    'pending',
    { inputs: [tensor('INPUT0', 'FP32', [-1])], outputs: [tensor('OUTPUT0', 'FP32', [-1])], batchable: true },
  ],
  ...(Object.keys(datatypeWidths) as Datatype[]).map((datatype): [string, ModelSignature] => [
    `identity_${datatype.toLowerCase()}`,
    {
      inputs: [tensor('INPUT0', datatype, [-1, -1])],
      outputs: [tensor('OUTPUT0', datatype, [-1, -1])],
      batchable: true,
    },
  ]),
]);

function addsub(inputs: readonly Tensor[]): Tensor[] {
  const [left, right] = ['INPUT0', 'INPUT1'].map((name) => inputs.find((input) => input.name === name)!);
  const a = toTypedArray(left!) as Int32Array;
  const b = toTypedArray(right!) as Int32Array;
  const sum = a.map((value, index) => value + b[index]!);
  const difference = a.map((value, index) => value - b[index]!);
  const output = (name: string, values: Int32Array): Tensor => ({
    name,
    datatype: 'INT32',
    shape: left!.shape,
    bytes: new Uint8Array(values.buffer),
  });
  return [output('OUTPUT0', sum), output('OUTPUT1', difference)];
}

export function openMemoryService(limits: { readonly tensorElementsMax: number }): MemoryService {
  const seen: InferenceRequest[] = [];
  let ready = true;
  let cancelled = 0;
  let failure: Error | undefined;

  const signatureOf = (model: string, version: string | undefined): ModelSignature => {
    const signature = signatures.get(model);
    if (signature === undefined) {
      throw new FlyballError('MODEL_NOT_FOUND', `expected one of the models served, got '${model}'`);
    }
    if (version !== undefined && version !== '1') {
      throw new FlyballError('VERSION_NOT_FOUND', `model ${model}: expected version 1, got ${version}`);
    }
    return signature;
  };

  return {
    seen,
    get cancelled() {
      return cancelled;
    },
    setReady(value) {
      ready = value;
    },
    failNext(error) {
      failure = error;
    },
    server: () => ({ name: 'memory', version: '1.0.0', extensions: ['binary_tensor_data'] }),
    live: () => true,
    ready: () => ready,
    modelReady(model, version) {
      signatureOf(model, version);
      return ready;
    },
    metadata: (model, version): ModelMetadata => ({
      name: model,
      versions: ['1'],
      platform: 'memory_none',
      signature: signatureOf(model, version),
    }),
    index: () =>
      [...signatures.keys()].map((name) => ({
        name,
        version: '1',
        state: ready ? 'READY' : 'UNAVAILABLE',
        reason: '',
      })),
    statistics: async (model, version): Promise<ModelStatistics[]> => {
      if (model !== undefined) signatureOf(model, version);
      return (model === undefined ? [...signatures.keys()] : [model]).map((name) => ({
        name,
        version: '1',
        lastInferenceAt: 0,
        inferenceCount: seen.filter((request) => request.model === name).length,
        executionCount: 0,
        success: { count: 3, ns: 1_500_000 },
        fail: zero,
        queue: zero,
        computeInput: zero,
        computeInfer: zero,
        computeOutput: zero,
      }));
    },
    async infer(request, signal): Promise<InferenceResponse> {
      seen.push(request);
      if (seen.length > seenMax) seen.shift();
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        throw error;
      }
      const signature = signatureOf(request.model, request.version);
      validateInputs(request, signature, limits);
      const { payload } = request;
      if (payload.kind === 'file') throw new FlyballError('NOT_IMPLEMENTED', 'expected tensors, got a file');
      if (request.model === 'pending') {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        cancelled += 1;
        throw new FlyballError('CANCELLED', 'the caller hung up');
      }
      const all =
        request.model === 'addsub'
          ? addsub(payload.inputs)
          : payload.inputs.map((input) => Object.assign({}, input, { name: 'OUTPUT0' }));
      const wanted = request.outputs ?? [];
      return {
        model: request.model,
        version: '1',
        ...(request.id === undefined ? undefined : { id: request.id }),
        outputs: wanted.length === 0 ? all : wanted.map(({ name }) => all.find((output) => output.name === name)!),
        timing: { queueMs: 0.5, computeMs: 1.5, totalMs: 2.5, batchSize: 1 },
      };
    },
  };
}
