/**
 * The V2 infer message with its binary tensor extension, both directions; server and client share it.
 */
import type { InferenceResponse, Parameters, RequestedOutput } from './inference.ts';
import type { ModelSignature, Tensor } from './tensor.ts';

export interface V2Limits {
  readonly jsonDepthMax: number;
  readonly tensorElementsMax: number;
}

export interface ParsedInfer {
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly inputs: readonly Tensor[];
  readonly outputs?: readonly RequestedOutput[];
}

export interface ParsedInferResponse {
  readonly model: string;
  readonly version?: string;
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly outputs: readonly Tensor[];
}

/** A message body: one JSON text, then the binary tensors in order. */
export interface EncodedMessage {
  readonly json: string;
  readonly jsonByteLength: number;
  /** Empty when everything is in the JSON. */
  readonly binary: readonly Uint8Array[];
  readonly byteLength: number;
  /** Value of Inference-Header-Content-Length; absent when there is no binary part. */
  readonly headerLength?: number;
  readonly contentType: 'application/json' | 'application/octet-stream';
}

/** `headerLength` is the value of Inference-Header-Content-Length, or undefined when the header is absent. Tensors are views into `body`. */
export function parseInferRequest(_body: Uint8Array, _headerLength: number | undefined, _limits: V2Limits): ParsedInfer {
  throw new Error('not yet');
}

/** The raw-binary request (header length 0): the body is the one input of the model. */
export function rawInferRequest(_body: Uint8Array, _signature: ModelSignature, _limits: V2Limits): ParsedInfer {
  throw new Error('not yet');
}

/** `binary`: all inputs as binary tensors; outputs are asked for in binary too unless their own parameters say otherwise. */
export function encodeInferRequest(_request: ParsedInfer, _binary: boolean): EncodedMessage {
  throw new Error('not yet');
}

/** `wish`: what the request said about outputs; `binary_data` of an output wins over `binary_data_output` of the request. */
export function encodeInferResponse(
  _response: InferenceResponse,
  _wish: { readonly outputs?: readonly RequestedOutput[]; readonly parameters?: Parameters },
): EncodedMessage {
  throw new Error('not yet');
}

/** Throws PROTOCOL when the other side's body is not a V2 response. */
export function parseInferResponse(
  _body: Uint8Array,
  _headerLength: number | undefined,
  _limits: V2Limits,
): ParsedInferResponse {
  throw new Error('not yet');
}
