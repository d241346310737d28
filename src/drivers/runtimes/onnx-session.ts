/**
 * One ONNX Runtime session in the thread that calls: opened, its signature read, calls computed. `run` blocks the thread
 * for the whole inference; which thread that is, its callers decide.
 */
import { rmSync } from 'node:fs';
import { InferenceSession, type Tensor as OrtTensor, type InferenceSession as Session } from 'onnxruntime-node';
import type { ErrorCode } from '../../errors.ts';
import type { ModelSignature, Tensor } from '../../protocol/tensor.ts';
import { isBatchable, type RunResult } from '../../runner/runtime.ts';
import { readVerified } from '../../verified-file.ts';
import type { OnnxSettings } from './onnx-messages.ts';
import { datatypeOfType, fromOrtTensor, toOrtTensor, TensorError } from './onnx-tensors.ts';

export interface OnnxSession {
  readonly signature: ModelSignature;
  /** Throws whatever the binding throws; {@link codeOf} says what it means. */
  run(inputs: readonly Tensor[], outputs: readonly string[] | undefined): Promise<RunResult>;
  close(): Promise<void>;
}

export const wordsOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

export const codeOf = (thrown: unknown): ErrorCode =>
  thrown instanceof TensorError ? 'INVALID_TENSOR' : 'INFERENCE_FAILED';

export async function openSession(settings: OnnxSettings): Promise<OnnxSession> {
  return toSession(await open(settings));
}

function toSession(session: InferenceSession): OnnxSession {
  const signature = readSignature(session);
  const allOutputs = signature.outputs.map((spec) => spec.name);
  return {
    signature,
    async run(inputs, wanted) {
      const feeds: Record<string, OrtTensor> = {};
      for (const input of inputs) feeds[input.name] = toOrtTensor(input);
      const names = wanted ?? allOutputs;
      const began = performance.now();
      const results = await session.run(feeds, names);
      const computeMs = performance.now() - began;
      const outputs = names.map((name) => {
        const result = results[name];
        if (result === undefined) throw new TensorError(`the runtime gave no output ${name}`);
        return fromOrtTensor(name, result);
      });
      return { outputs, computeMs };
    },
    close: () => session.release(),
  };
}

/** What the first session of a process pays for, 30 ms; whichever thread comes first does it for all. */
export async function openEnvironment(): Promise<void> {
  await (await createNothing()).release();
}

function createNothing(): Promise<InferenceSession> {
  return InferenceSession.create(Buffer.from(nothing, 'base64'), { intraOpNumThreads: 1, logSeverityLevel: 4 });
}

/** Opens the environment and computes a model of one node until the way there and back has been compiled. */
export async function openNothing(): Promise<void> {
  const session = toSession(await createNothing());
  for (let run = 0; run < rehearsals; run += 1) {
    await session.run([{ name: 'x', datatype: 'FP32', shape: [1], bytes: new Uint8Array(4) }], undefined);
  }
  await session.close();
}

const rehearsals = 200;
/** `y = Identity(x)`, written by src/onnx/writer.ts. */
const nothing =
  'CAgSB2ZseWJhbGw6SAocCgF4EgF5GgpJZGVudGl0eV8wIghJZGVudGl0eRIEd2FybVoQCgF4EgsKCQgBEgUKAxIBbmIQCgF5EgsKCQgBEgUKAxIBbkIECgAQEQ==';

/**
 * The weights stay in the mapped file, whose pages all replicas of the node share. Undefined when there is no such file
 * or it cannot be opened: then it is removed, so that it is made anew, and the model itself is loaded.
 */
async function openPrepared(settings: OnnxSettings): Promise<InferenceSession | undefined> {
  const { prepared } = settings;
  if (prepared === undefined) return undefined;
  const mapped = { use_memory_mapped_ort_model: '1', use_ort_model_bytes_for_initializers: '1' };
  try {
    // What was to be optimised has been, when the file was made.
    return await InferenceSession.create(prepared, {
      ...options(settings, mapped),
      graphOptimizationLevel: 'disabled',
    });
  } catch (thrown) {
    rmSync(prepared, { force: true });
    process.stderr.write(`the prepared file could not be opened, the model itself is loaded: ${wordsOf(thrown)}\n`);
    return undefined;
  }
}

/** By its path; or, where its digest is given, of bytes that have been checked and cannot change any more. */
async function open(settings: OnnxSettings): Promise<InferenceSession> {
  if (settings.digest !== undefined) {
    return InferenceSession.create(await readVerified(settings.path, settings.digest), options(settings));
  }
  return (await openPrepared(settings)) ?? InferenceSession.create(settings.path, options(settings));
}

function options(settings: OnnxSettings, entries: Readonly<Record<string, unknown>> = {}): Session.SessionOptions {
  return {
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: settings.graphOptimisation,
    enableCpuMemArena: settings.memoryArena,
    // Fatal only: a refusal is thrown and answered, and callers must not be able to fill the log.
    logSeverityLevel: 4,
    extra: { session: { ...entries, ...(settings.spinning ? {} : { intra_op: { allow_spinning: '0' } }) } },
  };
}

/** Numbers of ONNX element types that the binding names by number only when it refuses them. */
const refusedTypes: Readonly<Record<string, string>> = { 14: 'COMPLEX64', 15: 'COMPLEX128', 16: 'BF16' };

export function loadWords(thrown: unknown): string {
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
