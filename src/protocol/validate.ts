/**
 * A request against the signature of the model it is for. It looks at names, datatypes, shapes and sizes, never at
 * elements (those are checked where bytes are made). Whoever implements InferenceService calls it before a request may
 * join a batch, so that a bad request never spoils one.
 */
import { FlyballError } from '../errors.ts';
import type { InferenceRequest, RequestedOutput } from './inference.ts';
import type { ModelSignature, Tensor, TensorSpec } from './tensor.ts';

const bracketed = (shape: readonly number[]): string => `[${shape.join(',')}]`;
const namesOf = (specs: readonly TensorSpec[]): string => specs.map((spec) => spec.name).join(', ');

function refuse(message: string): never {
  throw new FlyballError('INVALID_TENSOR', message);
}

/**
 * Throws INVALID_TENSOR for a dimension that is no size and TOO_LARGE past the limit; a product of dimensions that no
 * integer holds is past every limit.
 */
export function checkShape(
  shape: readonly number[],
  name: string,
  limits: { readonly tensorElementsMax: number },
): void {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      refuse(`tensor ${name}: expected a shape of whole numbers of at least 0, got ${bracketed(shape)}`);
    }
    count *= dimension;
  }
  if (count > limits.tensorElementsMax) {
    throw new FlyballError(
      'TOO_LARGE',
      `tensor ${name}: expected at most ${limits.tensorElementsMax} elements (limits.tensorElementsMax), got shape ${bracketed(shape)}`,
    );
  }
}

function checkInput(model: string, input: Tensor, spec: TensorSpec, batchable: boolean): void {
  if (input.datatype !== spec.datatype) {
    refuse(`input ${input.name} of model ${model}: expected datatype ${spec.datatype}, got ${input.datatype}`);
  }
  const { shape } = input;
  let fits = shape.length === spec.shape.length;
  for (let axis = 0; fits && axis < shape.length; axis++) {
    const wanted = spec.shape[axis];
    fits = wanted === -1 || wanted === shape[axis];
  }
  if (!fits) {
    refuse(
      `input ${input.name} of model ${model}: expected shape ${bracketed(spec.shape)}` +
        `${spec.shape.includes(-1) ? ' (-1 is any size)' : ''}, got ${bracketed(shape)}`,
    );
  }
  if (batchable && shape[0] === 0) {
    refuse(`input ${input.name} of model ${model}: expected at least one row, got shape ${bracketed(shape)}`);
  }
}

function checkInputs(model: string, inputs: readonly Tensor[], signature: ModelSignature): void {
  const specs = signature.inputs;
  let rows: number | undefined;
  for (let index = 0; index < inputs.length; index++) {
    const input = inputs[index] as Tensor;
    // Callers nearly always keep the model's order, so the spec at the same place is tried first.
    let spec = specs[index];
    if (spec?.name !== input.name) spec = specs.find((candidate) => candidate.name === input.name);
    if (spec === undefined) {
      refuse(`model ${model}: expected inputs ${namesOf(specs)}, got unexpected ${input.name}`);
    }
    for (let before = 0; before < index; before++) {
      if (inputs[before]?.name === input.name)
        refuse(`model ${model}: expected input ${input.name} once, got it twice`);
    }
    checkInput(model, input, spec, signature.batchable);
    if (signature.batchable) {
      rows ??= input.shape[0];
      if (rows !== input.shape[0]) {
        refuse(`model ${model}: expected ${rows} rows in every input, got ${input.shape[0]} in ${input.name}`);
      }
    }
  }
  // All names are known and none came twice, so fewer than declared means that some are missing.
  if (inputs.length < specs.length) {
    const missing = specs.filter((spec) => !inputs.some((input) => input.name === spec.name));
    refuse(`model ${model}: expected inputs ${namesOf(specs)}, got none for ${namesOf(missing)}`);
  }
}

function checkOutputs(model: string, outputs: readonly RequestedOutput[], signature: ModelSignature): void {
  for (let index = 0; index < outputs.length; index++) {
    const name = outputs[index]?.name;
    if (!signature.outputs.some((spec) => spec.name === name)) {
      throw new FlyballError(
        'INVALID_REQUEST',
        `model ${model}: expected outputs among ${namesOf(signature.outputs)}, got ${String(name)}`,
      );
    }
    for (let before = 0; before < index; before++) {
      if (outputs[before]?.name === name) {
        throw new FlyballError('INVALID_REQUEST', `model ${model}: expected output ${String(name)} once, got it twice`);
      }
    }
  }
}

/** Throws INVALID_TENSOR (inputs), INVALID_REQUEST (outputs) or TOO_LARGE. A file payload has no inputs to check. */
export function validateInputs(
  request: Pick<InferenceRequest, 'model' | 'payload' | 'outputs'>,
  signature: ModelSignature,
  limits: { readonly tensorElementsMax: number },
): void {
  const { payload } = request;
  if (payload.kind === 'tensors') {
    for (const input of payload.inputs) checkShape(input.shape, input.name, limits);
    checkInputs(request.model, payload.inputs, signature);
  }
  if (request.outputs !== undefined && request.outputs.length > 0) {
    checkOutputs(request.model, request.outputs, signature);
  }
}
