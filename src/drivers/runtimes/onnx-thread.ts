/**
 * The thread that owns one ONNX Runtime session: loads at its start, then answers calls in their order.
 * It keeps no queue but its message port. Every fault of a call is answered; only a fault of the thread ends it.
 */
import { InferenceSession, type Tensor as OrtTensor, type InferenceSession as Session } from 'onnxruntime-node';
import { parentPort, workerData } from 'node:worker_threads';
import { isBatchable } from '../../runner/runtime.ts';
import type { ModelSignature } from '../../protocol/tensor.ts';
import type { OnnxSettings, PackedTensor, RunMessage, ThreadMessage } from './onnx-messages.ts';
import { datatypeOfType, fromOrtTensor, toOrtTensor, TensorError } from './onnx-tensors.ts';

const port = parentPort;
if (port === null) throw new Error('the ONNX thread is started by its driver, not by hand');
const settings = workerData as OnnxSettings;

const post = (message: ThreadMessage, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
const wordsOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

function options(): Session.SessionOptions {
  return {
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: settings.graphOptimisation,
    enableCpuMemArena: settings.memoryArena,
    // Fatal only: a refusal is thrown and answered, and callers must not be able to fill the log.
    logSeverityLevel: 4,
    ...(settings.spinning ? {} : { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
  };
}

/** Numbers of ONNX element types that the binding names by number only when it refuses them. */
const refusedTypes: Readonly<Record<string, string>> = { 14: 'COMPLEX64', 15: 'COMPLEX128', 16: 'BF16' };

function loadWords(thrown: unknown): string {
  const words = wordsOf(thrown);
  const number = /^Unsupported data type: (\d+)$/.exec(words)?.[1];
  if (number === undefined) return words;
  const type = refusedTypes[number] ?? `of ONNX element type ${number}`;
  return `an input or output is ${type}, which onnxruntime-node does not take; export the model with FP32 or FP16 (${words})`;
}

function toSpecs(metadata: readonly Session.ValueMetadata[], what: 'input' | 'output'): ModelSignature['inputs'] {
  return metadata.flatMap((value) => {
    if (!value.isTensor) {
      // A sequence or map beside the tensors (scikit-learn's ZipMap) is left out; as an input it could not be given.
      if (what === 'output') return [];
      throw new TensorError(`the input ${value.name} is a sequence or map; only tensors can be given`);
    }
    const datatype = datatypeOfType(value.type);
    if (datatype === undefined) {
      throw new TensorError(`the ${what} ${value.name} is ${value.type}, which no datatype of the protocol can carry`);
    }
    const shape = value.shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1));
    return [{ name: value.name, datatype, shape }];
  });
}

function readSignature(session: InferenceSession): ModelSignature {
  const inputs = toSpecs(session.inputMetadata, 'input');
  const outputs = toSpecs(session.outputMetadata, 'output');
  if (outputs.length === 0) throw new TensorError('the model has no output that is a tensor');
  return { inputs, outputs, batchable: isBatchable([...inputs, ...outputs]) };
}

async function answer(
  session: InferenceSession,
  allOutputs: readonly string[],
  [call, wanted, ...inputs]: RunMessage,
): Promise<void> {
  try {
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, datatype, shape, bytes] of inputs) feeds[name] = toOrtTensor({ name, datatype, shape, bytes });
    const outputs = wanted ?? allOutputs;
    const began = performance.now();
    const results = await session.run(feeds, outputs);
    const computeMs = performance.now() - began;
    const packed: PackedTensor[] = [];
    const buffers: ArrayBuffer[] = [];
    for (const name of outputs) {
      const result = results[name];
      if (result === undefined) throw new TensorError(`the runtime gave no output ${name}`);
      const { datatype, shape, bytes } = fromOrtTensor(name, result);
      packed.push([name, datatype, shape, bytes]);
      // Two outputs may be one tensor inside the runtime.
      const buffer = bytes.buffer as ArrayBuffer;
      if (!buffers.includes(buffer)) buffers.push(buffer);
    }
    post([call, computeMs, ...packed], buffers);
  } catch (thrown) {
    const code = thrown instanceof TensorError ? 'INVALID_TENSOR' : 'INFERENCE_FAILED';
    post({ kind: 'error', call, code, message: wordsOf(thrown) });
  }
}

// The binding's native side takes FP16 as Uint16Array only, but its JavaScript side prefers Float16Array where there is
// one, and then the native side sees no data at all (onnxruntime-node 1.30). This thread belongs to the binding.
Reflect.deleteProperty(globalThis, 'Float16Array');

try {
  const session = await InferenceSession.create(settings.path, options());
  const signature = readSignature(session);
  const allOutputs = signature.outputs.map((spec) => spec.name);
  port.on('message', (message: RunMessage) => void answer(session, allOutputs, message));
  post({ kind: 'loaded', signature });
} catch (thrown) {
  post({ kind: 'unloadable', message: loadWords(thrown) });
}
