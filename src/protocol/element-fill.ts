/**
 * Writes JSON elements into the typed array of a datatype, each checked for type and range. The loops are plain and one a
 * family of datatypes: a picture as JSON has 150,000 elements. Invariant: what is written equals what came, or INVALID_TENSOR.
 */
import { FlyballError } from '../errors.ts';
import type { Datatype } from './tensor.ts';

/** A value as an error message shows it. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'null';
  if (typeof value === 'object') return 'an object';
  let text: string = typeof value;
  if (typeof value === 'string') text = JSON.stringify(value);
  else if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') text = String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export function refuse(name: string, datatype: Datatype, index: number, value: unknown, expected: string): never {
  throw new FlyballError(
    'INVALID_TENSOR',
    `tensor ${name}, element ${index}: expected ${expected} for ${datatype}, got ${describe(value)}`,
  );
}

const integerRanges = {
  UINT8: [0, 0xff],
  UINT16: [0, 0xffff],
  UINT32: [0, 0xffff_ffff],
  INT8: [-0x80, 0x7f],
  INT16: [-0x8000, 0x7fff],
  INT32: [-0x8000_0000, 0x7fff_ffff],
} as const;

const longRanges = {
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
  UINT64: [0n, 2n ** 64n - 1n],
} as const;

type IntegerArray = Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array;

export function fillIntegers(
  into: IntegerArray,
  elements: readonly unknown[],
  datatype: keyof typeof integerRanges,
  name: string,
): void {
  const [min, max] = integerRanges[datatype];
  for (let index = 0; index < elements.length; index++) {
    const value = elements[index];
    if (typeof value !== 'number' || !(value >= min && value <= max) || Math.trunc(value) !== value) {
      refuse(name, datatype, index, value, `an integer from ${min} to ${max}`);
    }
    into[index] = value;
  }
}

export function fillLongs(
  into: BigInt64Array | BigUint64Array,
  elements: readonly unknown[],
  datatype: keyof typeof longRanges,
  name: string,
): void {
  const [min, max] = longRanges[datatype];
  for (let index = 0; index < elements.length; index++) {
    let value = elements[index];
    // A number that is not a safe integer was written with an exponent or a point and may have been rounded already.
    if (typeof value === 'number' && Number.isSafeInteger(value)) value = BigInt(value);
    if (typeof value !== 'bigint' || value < min || value > max) {
      refuse(name, datatype, index, elements[index], `an integer from ${min} to ${max}, written without exponent`);
    }
    into[index] = value;
  }
}

export function fillFloats(
  into: Float16Array | Float32Array | Float64Array,
  elements: readonly unknown[],
  datatype: Datatype,
  name: string,
): void {
  for (let index = 0; index < elements.length; index++) {
    const value = elements[index];
    if (typeof value === 'number' || typeof value === 'bigint') {
      into[index] = Number(value);
      const stored = into[index];
      if (stored === Infinity || stored === -Infinity) {
        refuse(name, datatype, index, value, 'a number within the range');
      }
    } else if (value === 'NaN') into[index] = Number.NaN;
    else if (value === 'Infinity') into[index] = Infinity;
    else if (value === '-Infinity') into[index] = -Infinity;
    else refuse(name, datatype, index, value, 'a number');
  }
}

export function fillBooleans(into: Uint8Array, elements: readonly unknown[], name: string): void {
  for (let index = 0; index < elements.length; index++) {
    const value = elements[index];
    if (typeof value !== 'boolean') refuse(name, 'BOOL', index, value, 'true or false');
    into[index] = value ? 1 : 0;
  }
}
