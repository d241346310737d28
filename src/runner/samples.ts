/**
 * What a model is warmed up on: a sample that ships with it, else zeros in the shape that requests will have. A sample
 * that begins with `{` is a request body of the Open Inference Protocol; any other is a file for the pipeline.
 */
import { FlyballError, toFlyballError } from '../errors.ts';
import type { ModelSignature, Tensor } from '../protocol/tensor.ts';
import { readVerified } from '../verified-file.ts';
import type { FilePipeline } from './pipeline/pipeline.ts';
import { joinBytes, zeros } from './rows.ts';
import type { FileCalls } from './runtime.ts';

/** A sample comes from whoever made the model: it is read like a request, within the limits of one. */
const sampleLimits = { jsonDepthMax: 512, tensorElementsMax: 67_108_864 };

/** One call's worth of inputs; several samples become several rows where they fit together. */
export async function warmUpInputs(
  samples: readonly string[],
  signature: ModelSignature,
  pipeline: FilePipeline | undefined,
  digests: Readonly<Record<string, string>> = {},
): Promise<readonly Tensor[]> {
  const calls: (readonly Tensor[])[] = [];
  for (const sample of samples) {
    try {
      calls.push(await readSample(await readVerified(sample, digests[sample]), pipeline));
    } catch (thrown) {
      throw unusable(sample, toFlyballError(thrown).message, thrown);
    }
  }
  const [first] = calls;
  if (first === undefined) return pipeline === undefined ? signature.inputs.map(zeros) : [pipeline.blank()];
  return signature.batchable ? first.map((tensor) => stack(tensor, calls)) : first;
}

/** Samples of a model that takes files as they are: each is run once, and one that is refused fails the start. */
export async function warmUpFiles(
  samples: readonly string[],
  files: FileCalls,
  digests: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const sample of samples) {
    try {
      await files.run(await readVerified(sample, digests[sample]));
    } catch (thrown) {
      throw unusable(sample, toFlyballError(thrown).message, thrown);
    }
  }
}

function unusable(sample: string, message: string, cause: unknown): FlyballError {
  return new FlyballError('MODEL_LOAD_FAILED', `the warm-up sample ${sample} cannot be used: ${message}`, { cause });
}

async function readSample(bytes: Buffer, pipeline: FilePipeline | undefined): Promise<readonly Tensor[]> {
  if (bytes.subarray(0, 64).toString('latin1').trimStart().startsWith('{')) {
    const { parseInferRequest } = await import('../protocol/v2.ts');
    return parseInferRequest(bytes, undefined, sampleLimits).inputs;
  }
  if (pipeline === undefined) {
    throw new FlyballError('INVALID_REQUEST', 'it is no JSON, and the model declares no pipeline for files');
  }
  const { groups, failed } = await pipeline.prepare([bytes]);
  const [refused] = failed;
  if (refused !== undefined) throw new FlyballError(refused.code, refused.message);
  return groups.map((group) => group.tensor);
}

/** The rows of every call for one input, of those calls whose rows are alike. */
function stack(like: Tensor, calls: readonly (readonly Tensor[])[]): Tensor {
  const rowShape = like.shape.slice(1).join();
  const alike = calls
    .flat()
    .filter(
      ({ name, datatype, shape }) =>
        name === like.name && datatype === like.datatype && shape.slice(1).join() === rowShape,
    );
  const rows = alike.reduce((sum, tensor) => sum + (tensor.shape[0] ?? 0), 0);
  return { ...like, shape: [rows, ...like.shape.slice(1)], bytes: joinBytes(alike.map((tensor) => tensor.bytes)) };
}
