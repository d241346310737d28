/**
 * Typed tensor contents (InferTensorContents) to the platform's raw bytes and back. INT64 and UINT64 never pass through
 * a JavaScript number, FP32, FP64 and BOOL are already laid out as they are needed. FP16 and BF16 have no typed form.
 * Invariant: nothing is allocated before the declared number of elements is known to fit what came.
 */
import { FlyballError } from '../../errors.ts';
import { datatypeWidths, elementCount, type Datatype, type Tensor } from '../tensor.ts';
import { Cursor, type Writer } from './wire.ts';

const contentsFields = [
  '',
  'bool_contents',
  'int_contents',
  'int64_contents',
  'uint_contents',
  'uint64_contents',
  'fp32_contents',
  'fp64_contents',
  'bytes_contents',
] as const;

/** The field that holds the elements of a datatype; 0 where there is none. */
const fieldOf: Readonly<Record<Datatype, number>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
  FP16: 0,
  BF16: 0,
};

export const hasTypedContents = (datatype: Datatype): boolean => fieldOf[datatype] !== 0;

const integerRanges: Readonly<Partial<Record<Datatype, readonly [number, number]>>> = {
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  UINT8: [0, 255],
  UINT16: [0, 65_535],
};

const mismatch = (tensor: Omit<Tensor, 'bytes'>, came: string): FlyballError =>
  new FlyballError(
    'INVALID_TENSOR',
    `tensor '${tensor.name}': expected ${elementCount(tensor.shape)} elements for shape [${tensor.shape.join(', ')}], got ${came}`,
  );

/** `contents` are the submessages as they came: more than one are one after another, as protobuf merges them. */
export function contentsToBytes(tensor: Omit<Tensor, 'bytes'>, contents: readonly Buffer[]): Uint8Array {
  const { datatype, name } = tensor;
  const field = fieldOf[datatype];
  const count = elementCount(tensor.shape);
  let available = 0;
  for (const part of contents) available += part.length;
  if (field === 0 && available > 0) {
    throw new FlyballError('INVALID_TENSOR', `tensor '${name}': ${datatype} has no typed contents, send it raw`);
  }
  // Every element takes at least a byte on the wire.
  if (count > available) throw mismatch(tensor, `${available} bytes of typed contents`);
  const width = datatypeWidths[datatype];
  let out: Buffer | undefined;
  const target = (): Buffer => (out ??= Buffer.allocUnsafe(width === 0 ? available + count * 2 : count * width));
  const range = integerRanges[datatype];
  let index = 0;
  let at = 0;

  const element = (cursor: Cursor): void => {
    if (index >= count) throw mismatch(tensor, 'more');
    const bytes = target();
    switch (field) {
      case 1:
        cursor.varint();
        bytes[index] = cursor.low === 0 && cursor.high === 0 ? 0 : 1;
        break;
      case 2:
      case 4: {
        cursor.varint();
        const value = field === 2 ? cursor.low | 0 : cursor.low;
        if (range !== undefined && (value < range[0] || value > range[1])) {
          throw new FlyballError(
            'INVALID_TENSOR',
            `tensor '${name}': expected ${datatype} from ${range[0]} to ${range[1]}, got ${value} at element ${index}`,
          );
        }
        if (width === 4) bytes.writeUInt32LE(cursor.low, index * 4);
        else if (width === 2) bytes.writeUInt16LE(value & 0xffff, index * 2);
        else bytes[index] = value & 0xff;
        break;
      }
      case 3:
      case 5:
        cursor.varint();
        bytes.writeUInt32LE(cursor.low, index * 8);
        bytes.writeUInt32LE(cursor.high, index * 8 + 4);
        break;
      default: {
        const from = cursor.fixed(width);
        cursor.bytes.copy(bytes, index * width, from, from + width);
      }
    }
    index += 1;
  };

  for (const part of contents) {
    const cursor = new Cursor(part);
    while (cursor.more) {
      const tag = cursor.tag();
      const came = tag >>> 3;
      if (came !== field) {
        const other = contentsFields[came];
        if (other === undefined) cursor.skip(tag);
        // Some clients send every list, the others empty.
        else if ((tag & 7) !== 2 || cursor.length() > 0) {
          throw new FlyballError(
            'INVALID_TENSOR',
            `tensor '${name}': expected ${contentsFields[field]} for ${datatype}, got ${other}`,
          );
        }
        continue;
      }
      if (field === 8) {
        if ((tag & 7) !== 2) throw mismatch(tensor, `a ${contentsFields[8]} that is not bytes`);
        if (index >= count) throw mismatch(tensor, 'more');
        const value = cursor.delimited();
        const bytes = target();
        at = bytes.writeUInt32LE(value.length, at);
        at += value.copy(bytes, at);
        index += 1;
      } else if ((tag & 7) === 2) {
        const packed = cursor.delimited();
        // The usual case needs no copy: the packed field is the tensor.
        if (
          (field === 6 || field === 7) &&
          index === 0 &&
          packed.length === count * width &&
          part === contents.at(-1)
        ) {
          if (!cursor.more) return packed;
        }
        const elements = new Cursor(packed);
        while (elements.more) element(elements);
      } else if ((tag & 7) === (field === 6 ? 5 : field === 7 ? 1 : 0)) element(cursor);
      else throw mismatch(tensor, `${contentsFields[field]} of wire type ${tag & 7}`);
    }
  }
  if (index !== count) throw mismatch(tensor, String(index));
  const bytes = target();
  return field === 8 ? bytes.subarray(0, at) : bytes;
}

/** Writes `contents` as field 5 of an output tensor; the datatype has a typed form. */
export function writeContents(writer: Writer, tensor: Tensor): void {
  const { datatype, shape } = tensor;
  const count = elementCount(shape);
  if (count === 0) return;
  const field = fieldOf[datatype];
  const bytes = Buffer.from(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  const message = writer.begin(5);
  if (field === 8) {
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUInt32LE(at);
      writer.bytes(8, bytes.subarray(at + 4, at + 4 + length), false);
      at += 4 + length;
    }
  } else if (field === 1 || field === 6 || field === 7) {
    // One byte of 0 or 1 is its own varint, and floats are packed as they lie.
    writer.bytes(field, bytes, false);
  } else {
    const packed = writer.begin(field);
    for (let index = 0; index < count; index += 1) writeInteger(writer, datatype, bytes, index);
    writer.end(packed);
  }
  writer.end(message);
}

function writeInteger(writer: Writer, datatype: Datatype, bytes: Buffer, index: number): void {
  switch (datatype) {
    case 'UINT8':
      writer.varint(bytes[index]!);
      return;
    case 'UINT16':
      writer.varint(bytes.readUInt16LE(index * 2));
      return;
    case 'UINT32':
      writer.varint(bytes.readUInt32LE(index * 4));
      return;
    case 'INT64':
    case 'UINT64':
      writer.varint64(bytes.readUInt32LE(index * 8), bytes.readUInt32LE(index * 8 + 4));
      return;
    default: {
      const value =
        datatype === 'INT8'
          ? bytes.readInt8(index)
          : datatype === 'INT16'
            ? bytes.readInt16LE(index * 2)
            : bytes.readInt32LE(index * 4);
      // A negative int32 goes out sign-extended to 64 bits.
      writer.varint64(value, value < 0 ? -1 : 0);
    }
  }
}
