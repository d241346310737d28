/**
 * The tensor as every part of the platform passes it on: raw little-endian bytes with a name, a datatype and a shape.
 * JSON is turned into bytes at the door and back at the exit; nothing between the two ever touches an element.
 * Invariant: `bytes` holds exactly product(shape) elements, in row-major order.
 */

/** Element width in bytes by Open Inference Protocol datatype; 0 marks the variable-width BYTES. */
export const datatypeWidths = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BF16: 2,
  BYTES: 0,
} as const;

export type Datatype = keyof typeof datatypeWidths;

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Dimensions, each ≥ 0; an empty list is a scalar (one element). */
  readonly shape: readonly number[];
  /** Little-endian, row-major. BOOL is one byte of 0 or 1. A BYTES element is a uint32 length and that many bytes. */
  readonly bytes: Uint8Array;
}

/** An input or output as a model declares it; -1 is a dimension of any size. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

/**
 * What a model takes and gives, read from the file itself. Without any input and output it is not known: a server that
 * declares nothing is such a model, and one that is asleep may be.
 */
export interface ModelSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** True when the first dimension of every input and output is variable, so that requests may share one call. */
  readonly batchable: boolean;
}

export function isDeclared({
  inputs,
  outputs,
}: {
  readonly inputs: readonly unknown[];
  readonly outputs: readonly unknown[];
}): boolean {
  return inputs.length > 0 || outputs.length > 0;
}

export function isDatatype(value: string): value is Datatype {
  return Object.hasOwn(datatypeWidths, value);
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}
