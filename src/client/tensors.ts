/**
 * Tensors as a caller holds them: typed arrays and lists, tied to their datatype in the types. Invariant: a tensor that
 * {@link tensor} made holds exactly the elements of its shape, and {@link toValues} gives back what went in.
 */
import { FlyballError } from '../errors.ts';
import { packBytes, toBytes, toTypedArray, unpackBytes } from '../protocol/elements.ts';
import { elementCount, type Datatype, type Tensor } from '../protocol/tensor.ts';

/** JavaScript values of each datatype, as read from a result. */
export interface DatatypeValues {
  BOOL: boolean[];
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Float16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  /** Widened, which is exact. */
  BF16: Float32Array;
  BYTES: Uint8Array[];
}

type Nested<Element> = readonly (Element | Nested<Element>)[];

/** What {@link tensor} takes for each datatype: the typed array itself (not copied), or a list, nested or flat. */
export interface DatatypeInputs {
  BOOL: Nested<boolean>;
  UINT8: Uint8Array | Nested<number>;
  UINT16: Uint16Array | Nested<number>;
  UINT32: Uint32Array | Nested<number>;
  UINT64: BigUint64Array | Nested<bigint | number>;
  INT8: Int8Array | Nested<number>;
  INT16: Int16Array | Nested<number>;
  INT32: Int32Array | Nested<number>;
  INT64: BigInt64Array | Nested<bigint | number>;
  FP16: Float16Array | Nested<number>;
  FP32: Float32Array | Nested<number>;
  FP64: Float64Array | Nested<number>;
  /** Rounded to the nearest, ties to even. */
  BF16: Float32Array | readonly number[];
  BYTES: readonly (string | Uint8Array)[];
}

/**
 * A named input. Throws INVALID_TENSOR when the values do not fit the datatype or the shape.
 *
 *     tensor('INPUT0', 'FP32', [1, 3], [0.1, 0.2, 0.3])
 *     tensor('ids', 'INT64', [2], BigInt64Array.of(1n, 2n))
 *     tensor('text', 'BYTES', [1], ['hello'])
 */
export function tensor<Type extends Datatype>(
  name: string,
  datatype: Type,
  shape: readonly number[],
  values: DatatypeInputs[Type],
): Tensor {
  const count = elementCount(shape);
  const given: unknown = values;
  const checked = (length: number): void => {
    if (length !== count) {
      throw new FlyballError(
        'INVALID_TENSOR',
        `tensor ${name}: expected ${count} elements for shape [${shape.join(',')}], got ${length}`,
      );
    }
  };
  if (datatype === 'BYTES') {
    const elements = given as readonly (string | Uint8Array)[];
    checked(elements.length);
    return { name, datatype, shape, bytes: packBytes(elements) };
  }
  if (datatype === 'BF16') {
    const elements = given as ArrayLike<number>;
    checked(elements.length);
    return { name, datatype, shape, bytes: toBrainFloats(elements) };
  }
  if (ArrayBuffer.isView(given)) {
    const expected = arrayNames[datatype];
    const came = (given as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag];
    if (came !== expected) {
      throw new FlyballError(
        'INVALID_TENSOR',
        `tensor ${name}: expected ${expected ?? 'a list'} for ${datatype}, got ${came}`,
      );
    }
    checked((given as Uint8Array).length);
    return { name, datatype, shape, bytes: new Uint8Array(given.buffer, given.byteOffset, given.byteLength) };
  }
  return { name, datatype, shape, bytes: toBytes(datatype, given, shape, name) };
}

/** By the tag and not by the constructor, so that a Buffer counts as the Uint8Array that it is. */
const arrayNames: Readonly<Partial<Record<Datatype, string>>> = {
  UINT8: 'Uint8Array',
  UINT16: 'Uint16Array',
  UINT32: 'Uint32Array',
  UINT64: 'BigUint64Array',
  INT8: 'Int8Array',
  INT16: 'Int16Array',
  INT32: 'Int32Array',
  INT64: 'BigInt64Array',
  FP16: 'Float16Array',
  FP32: 'Float32Array',
  FP64: 'Float64Array',
};

/** The values of a tensor; views into its bytes where they are aligned. */
export function toValues<Type extends Datatype>(tensor: Tensor & { readonly datatype: Type }): DatatypeValues[Type] {
  return valuesOf(tensor) as DatatypeValues[Type];
}

function valuesOf(tensor: Tensor): DatatypeValues[Datatype] {
  switch (tensor.datatype) {
    case 'BOOL':
      return Array.from(tensor.bytes, (byte) => byte !== 0);
    case 'BYTES':
      return unpackBytes(tensor.bytes);
    case 'FP16': {
      const { buffer, byteOffset, length } = toTypedArray(tensor);
      return new Float16Array(buffer, byteOffset, length);
    }
    case 'BF16':
      return fromBrainFloats(toTypedArray(tensor) as Uint16Array);
    default:
      return toTypedArray(tensor) as Float32Array;
  }
}

/** The upper half of each FP32, rounded to nearest even; NaN stays NaN. */
function toBrainFloats(values: ArrayLike<number>): Uint8Array {
  const single = Float32Array.from(values);
  const bits = new Uint32Array(single.buffer);
  const halves = new Uint16Array(single.length);
  for (let index = 0; index < single.length; index += 1) {
    const value = bits[index]!;
    halves[index] = Number.isNaN(single[index])
      ? (value >>> 16) | 0x40
      : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

function fromBrainFloats(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let index = 0; index < halves.length; index += 1) bits[index] = halves[index]! << 16;
  return new Float32Array(bits.buffer);
}
