/**
 * What a server's protocol has to say to be a replica: where to ask whether it is ready, what the model takes, and how a
 * call goes out and comes back. Each is a value without state; the exchange itself is not theirs.
 */
import { isUtf8 } from 'node:buffer';
import { FlyballError } from '../../errors.ts';
import { toTypedArray, unpackBytes } from '../../protocol/elements.ts';
import type { ModelSignature, Tensor } from '../../protocol/tensor.ts';
import type { Exchange, ServerReply, ServerRequest } from './server-client.ts';

export interface ServerProtocol {
  readonly readyPath: string;
  /**
   * The signature in force, and from then on how tensors are sent. MODEL_LOAD_FAILED when what was declared cannot be, or
   * when this protocol has no form for a datatype.
   */
  describe(ask: (path: string) => Promise<Exchange>, declared: ModelSignature | undefined): Promise<ModelSignature>;
  /** INVALID_TENSOR for elements that have no form in this protocol. `outputs` is never empty when the signature is known. */
  toRequest(inputs: readonly Tensor[], outputs: readonly string[]): ServerRequest;
  /** PROTOCOL when the body is no answer. */
  toTensors(reply: ServerReply, inputs: readonly Tensor[]): readonly Tensor[];
}

/** What is known of a model that declares nothing: calls go through as they come, alone, and the server judges them. */
export const undeclared: ModelSignature = { inputs: [], outputs: [], batchable: false };

/** Half floats have no JSON form in the protocol, and what they hold would be read as another number. */
export function refuseHalfFloats({ inputs, outputs }: ModelSignature, why: string): void {
  for (const { name, datatype } of [...inputs, ...outputs]) {
    if (datatype !== 'FP16' && datatype !== 'BF16') continue;
    throw new FlyballError('MODEL_LOAD_FAILED', `the tensor ${name} is ${datatype}, which has no form in JSON, ${why}`);
  }
}

/** INVALID_TENSOR for what JSON cannot carry exactly. */
export function checkJsonForm(inputs: readonly Tensor[]): void {
  for (const tensor of inputs) {
    const { name, datatype } = tensor;
    switch (datatype) {
      case 'FP16':
      case 'BF16':
        throw new FlyballError(
          'INVALID_TENSOR',
          `input ${name}: ${datatype} has no form in JSON, which this server takes`,
        );
      case 'FP32':
      case 'FP64':
        if ((toTypedArray(tensor) as Float64Array).every(Number.isFinite)) break;
        throw new FlyballError(
          'INVALID_TENSOR',
          `input ${name}: expected finite numbers, for this server takes JSON; got NaN or an infinity`,
        );
      case 'BYTES':
        for (const element of unpackBytes(tensor.bytes)) {
          if (isUtf8(element)) continue;
          throw new FlyballError('INVALID_TENSOR', `input ${name}: expected UTF-8, for this server takes JSON`);
        }
        break;
      default:
    }
  }
}
