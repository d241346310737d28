/**
 * Elements to bytes and back, by datatype.
 */
import type { Datatype, Tensor } from './tensor.ts';

export type ElementArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** JSON data, nested or flat, as raw bytes; throws INVALID_TENSOR naming `name`. */
export function toBytes(_datatype: Datatype, _data: unknown, _shape: readonly number[], _name: string): Uint8Array {
  throw new Error('not yet');
}

/** Flat JSON elements: numbers, bigints (INT64, UINT64), booleans or strings. BF16 throws INVALID_REQUEST. */
export function toElements(_tensor: Tensor): unknown[] {
  throw new Error('not yet');
}

/** An aligned view (a copy only when misaligned). FP16 and BF16 come as Uint16Array; BYTES as the packed Uint8Array. */
export function toTypedArray(_tensor: Tensor): ElementArray {
  throw new Error('not yet');
}

/** BYTES elements with their uint32 LE lengths before them. */
export function packBytes(_elements: readonly (string | Uint8Array)[]): Uint8Array {
  throw new Error('not yet');
}

/** Views into `bytes`; throws INVALID_BINARY when an element runs past the end. */
export function unpackBytes(_bytes: Uint8Array): Uint8Array[] {
  throw new Error('not yet');
}

/** Throws INVALID_BINARY when `bytes` does not hold exactly the elements of `shape`, BYTES elements walked one by one. */
export function checkByteLength(_tensor: Tensor): void {
  throw new Error('not yet');
}
