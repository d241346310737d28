/**
 * A request against the signature of the model it is for. It looks at names, datatypes, shapes and sizes, never at
 * elements. Whoever implements InferenceService calls it before a request may join a batch.
 */
import type { InferenceRequest } from './inference.ts';
import type { ModelSignature } from './tensor.ts';

/** Throws INVALID_TENSOR (inputs), INVALID_REQUEST (outputs) or TOO_LARGE. */
export function validateInputs(
  _request: Pick<InferenceRequest, 'model' | 'payload' | 'outputs'>,
  _signature: ModelSignature,
  _limits: { readonly tensorElementsMax: number },
): void {
  throw new Error('not yet');
}
