/**
 * Elements to bytes and back, by datatype: what JSON says becomes a tensor's bytes at the door and the other way round
 * at the exit. Not a place for conversions between datatypes: a value that does not fit is refused, never rounded.
 * Invariant: bytes are little-endian; hosts are taken to be so too, as every platform that the runtimes ship for is.
 */
import { isUtf8 } from 'node:buffer';
import { FlyballError } from '../errors.ts';
import { describe, fillBooleans, fillFloats, fillIntegers, fillLongs, refuse } from './element-fill.ts';
import { datatypeWidths, elementCount, type Datatype, type Tensor } from './tensor.ts';

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

/** Nested lists deeper than any tensor has dimensions are an attack, not data. */
const nestingMax = 100;

function flatten(into: unknown[], data: readonly unknown[], depth: number, name: string): void {
  if (depth > nestingMax) {
    throw new FlyballError(
      'INVALID_TENSOR',
      `tensor ${name}: expected data nested at most ${nestingMax} deep, got more`,
    );
  }
  for (const item of data) {
    if (Array.isArray(item)) flatten(into, item, depth + 1, name);
    else into.push(item);
  }
}

function flatElements(data: unknown, shape: readonly number[], name: string): readonly unknown[] {
  const count = elementCount(shape);
  let flat: readonly unknown[];
  if (!Array.isArray(data)) {
    if (shape.length > 0) {
      throw new FlyballError('INVALID_TENSOR', `tensor ${name}: expected data as a list, got ${describe(data)}`);
    }
    flat = [data];
  } else if (Array.isArray(data[0])) {
    const into: unknown[] = [];
    flatten(into, data, 1, name);
    flat = into;
  } else flat = data;
  if (flat.length !== count) {
    throw new FlyballError(
      'INVALID_TENSOR',
      `tensor ${name}: expected ${count} elements for shape [${shape.join(',')}], got ${flat.length}`,
    );
  }
  return flat;
}

/** JSON data, nested or flat, as raw bytes; throws INVALID_TENSOR naming `name`. */
export function toBytes(datatype: Datatype, data: unknown, shape: readonly number[], name: string): Uint8Array {
  const elements = flatElements(data, shape, name);
  const count = elements.length;
  if (datatype === 'BYTES') {
    for (let index = 0; index < count; index++) {
      if (typeof elements[index] !== 'string') refuse(name, datatype, index, elements[index], 'a string');
    }
    return packBytes(elements as readonly string[]);
  }
  if (datatype === 'BF16') {
    throw new FlyballError('INVALID_TENSOR', `tensor ${name}: BF16 has no JSON form, expected a binary tensor`);
  }
  // Node's pool is much cheaper than an ArrayBuffer of its own for a small tensor; it hands out multiples of 8.
  const { buffer, byteOffset } = Buffer.allocUnsafe(count * datatypeWidths[datatype]);
  switch (datatype) {
    case 'BOOL':
      fillBooleans(new Uint8Array(buffer, byteOffset, count), elements, name);
      break;
    case 'UINT8':
      fillIntegers(new Uint8Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'UINT16':
      fillIntegers(new Uint16Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'UINT32':
      fillIntegers(new Uint32Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'UINT64':
      fillLongs(new BigUint64Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'INT8':
      fillIntegers(new Int8Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'INT16':
      fillIntegers(new Int16Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'INT32':
      fillIntegers(new Int32Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'INT64':
      fillLongs(new BigInt64Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'FP16':
      fillFloats(new Float16Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'FP32':
      fillFloats(new Float32Array(buffer, byteOffset, count), elements, datatype, name);
      break;
    case 'FP64':
      fillFloats(new Float64Array(buffer, byteOffset, count), elements, datatype, name);
      break;
  }
  return new Uint8Array(buffer, byteOffset, count * datatypeWidths[datatype]);
}

/** An aligned view (a copy only when misaligned). FP16 and BF16 come as Uint16Array; BYTES as the packed Uint8Array. */
export function toTypedArray(tensor: Tensor): ElementArray {
  const width = datatypeWidths[tensor.datatype];
  const bytes = width > 1 && tensor.bytes.byteOffset % width !== 0 ? new Uint8Array(tensor.bytes) : tensor.bytes;
  const { buffer, byteOffset } = bytes;
  const count = width === 0 ? 0 : bytes.byteLength / width;
  switch (tensor.datatype) {
    case 'BOOL':
    case 'UINT8':
    case 'BYTES':
      return bytes;
    case 'UINT16':
    case 'FP16':
    case 'BF16':
      return new Uint16Array(buffer, byteOffset, count);
    case 'UINT32':
      return new Uint32Array(buffer, byteOffset, count);
    case 'UINT64':
      return new BigUint64Array(buffer, byteOffset, count);
    case 'INT8':
      return new Int8Array(buffer, byteOffset, count);
    case 'INT16':
      return new Int16Array(buffer, byteOffset, count);
    case 'INT32':
      return new Int32Array(buffer, byteOffset, count);
    case 'INT64':
      return new BigInt64Array(buffer, byteOffset, count);
    case 'FP32':
      return new Float32Array(buffer, byteOffset, count);
    default:
      return new Float64Array(buffer, byteOffset, count);
  }
}

function bytesToText(element: Uint8Array, name: string, index: number): string {
  if (!isUtf8(element)) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `tensor ${name}, element ${index} is not UTF-8 and has no JSON form; ask for it with "binary_data": true`,
    );
  }
  return Buffer.from(element.buffer, element.byteOffset, element.byteLength).toString('utf8');
}

/** Flat JSON elements: numbers, bigints (INT64, UINT64), booleans or strings. BF16 throws INVALID_REQUEST. */
export function toElements(tensor: Tensor): unknown[] {
  if (tensor.datatype === 'BYTES') {
    return unpackBytes(tensor.bytes).map((element, index) => bytesToText(element, tensor.name, index));
  }
  if (tensor.datatype === 'BF16') {
    throw new FlyballError(
      'INVALID_REQUEST',
      `tensor ${tensor.name} is BF16, which has no JSON form; ask for it with "binary_data": true`,
    );
  }
  let view: ArrayLike<number | bigint> = toTypedArray(tensor);
  if (view instanceof Uint16Array && tensor.datatype === 'FP16') {
    view = new Float16Array(view.buffer, view.byteOffset, view.length);
  }
  const elements: unknown[] = Array.from({ length: view.length });
  const boolean = tensor.datatype === 'BOOL';
  for (let index = 0; index < view.length; index++) elements[index] = boolean ? view[index] !== 0 : view[index];
  return elements;
}

/** BYTES elements with their uint32 LE lengths before them. */
export function packBytes(elements: readonly (string | Uint8Array)[]): Uint8Array {
  let size = 4 * elements.length;
  for (const element of elements) size += typeof element === 'string' ? Buffer.byteLength(element) : element.byteLength;
  const packed = Buffer.allocUnsafe(size);
  let at = 0;
  for (const element of elements) {
    let length: number;
    if (typeof element === 'string') length = packed.write(element, at + 4, 'utf8');
    else {
      length = element.byteLength;
      packed.set(element, at + 4);
    }
    packed.writeUInt32LE(length, at);
    at += 4 + length;
  }
  return new Uint8Array(packed.buffer, packed.byteOffset, size);
}

/** Calls back with the range of each BYTES element; throws INVALID_BINARY when one runs past the end. */
function walkBytes(bytes: Uint8Array, element: (from: number, to: number) => void): void {
  const end = bytes.byteLength;
  const view = new DataView(bytes.buffer, bytes.byteOffset, end);
  let at = 0;
  for (let index = 0; at < end; index++) {
    const length = end - at >= 4 ? view.getUint32(at, true) : Infinity;
    if (length > end - at - 4) {
      throw new FlyballError(
        'INVALID_BINARY',
        `BYTES element ${index}: expected a 4-byte length and that many bytes, got ` +
          (length === Infinity ? `${end - at} bytes in all` : `length ${length} with ${end - at - 4} bytes left`),
      );
    }
    element(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

/** Views into `bytes`; throws INVALID_BINARY when an element runs past the end. */
export function unpackBytes(bytes: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  walkBytes(bytes, (from, to) => elements.push(bytes.subarray(from, to)));
  return elements;
}

/**
 * Throws INVALID_BINARY when `bytes` does not hold exactly the elements of `shape` (BYTES elements are walked one by
 * one), INVALID_TENSOR when a BOOL is neither 0 nor 1.
 */
export function checkByteLength(tensor: Tensor): void {
  const { name, datatype, shape, bytes } = tensor;
  const count = elementCount(shape);
  const width = datatypeWidths[datatype];
  if (width === 0) {
    let found = 0;
    walkBytes(bytes, () => found++);
    if (found !== count) {
      throw new FlyballError(
        'INVALID_BINARY',
        `tensor ${name}: expected ${count} BYTES elements for shape [${shape.join(',')}], got ${found}`,
      );
    }
    return;
  }
  if (bytes.byteLength !== count * width) {
    throw new FlyballError(
      'INVALID_BINARY',
      `tensor ${name}: expected ${count * width} bytes for ${datatype} of shape [${shape.join(',')}], got ${bytes.byteLength}`,
    );
  }
  if (datatype === 'BOOL') {
    for (let index = 0; index < count; index++) {
      const value = bytes[index];
      if (value !== 0 && value !== 1) refuse(name, datatype, index, value, 'a byte of 0 or 1');
    }
  }
}

/** The flat JSON list of a tensor, as text; what {@link toElements} and printJson give together, only faster. */
export function printElements(tensor: Tensor): string {
  const elements = toElements(tensor);
  switch (tensor.datatype) {
    case 'INT64':
    case 'UINT64':
      return `[${elements.join(',')}]`;
    case 'FP16':
    case 'FP32':
    case 'FP64': {
      const text = JSON.stringify(elements);
      // JSON.stringify writes NaN and the infinities as null.
      return text.includes('n') ? JSON.stringify(elements.map(floatWord)) : text;
    }
    default:
      return JSON.stringify(elements);
  }
}

const floatWord = (value: unknown): unknown => (Number.isFinite(value) ? value : String(value));
