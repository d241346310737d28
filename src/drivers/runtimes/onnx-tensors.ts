/**
 * The platform's tensors ↔ those of onnxruntime-node. Fixed-width tensors are looked at in place; only a view that is
 * not aligned, or BYTES, is copied.
 */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { datatypeWidths, elementCount, type Datatype, type Tensor } from '../../protocol/tensor.ts';

/** Bytes that are no tensor of the kind that they claim to be: the caller's fault, not the runtime's. */
export class TensorError extends Error {}

type View = new (buffer: ArrayBuffer, offset: number, length: number) => Exclude<OrtTensor['data'], string[]>;

interface Mapping {
  readonly type: OrtTensor.Type;
  readonly view: View;
}

const mappings: Readonly<Partial<Record<Datatype, Mapping>>> = {
  BOOL: { type: 'bool', view: Uint8Array },
  UINT8: { type: 'uint8', view: Uint8Array },
  UINT16: { type: 'uint16', view: Uint16Array },
  UINT32: { type: 'uint32', view: Uint32Array },
  UINT64: { type: 'uint64', view: BigUint64Array },
  INT8: { type: 'int8', view: Int8Array },
  INT16: { type: 'int16', view: Int16Array },
  INT32: { type: 'int32', view: Int32Array },
  INT64: { type: 'int64', view: BigInt64Array },
  FP16: { type: 'float16', view: Uint16Array },
  FP32: { type: 'float32', view: Float32Array },
  FP64: { type: 'float64', view: Float64Array },
};

const datatypes = new Map<string, Datatype>([['string', 'BYTES']]);
for (const [datatype, { type }] of Object.entries(mappings)) datatypes.set(type, datatype as Datatype);

export function datatypeOfType(type: OrtTensor.Type): Datatype | undefined {
  return datatypes.get(type);
}

export function toOrtTensor(tensor: Tensor): OrtTensor {
  const { name, datatype, bytes } = tensor;
  const shape = [...tensor.shape];
  const count = elementCount(shape);
  if (datatype === 'BYTES') return new OrtTensor('string', toStrings(name, bytes, count), shape);
  const mapping = mappings[datatype];
  if (mapping === undefined) throw new TensorError(`${name} is ${datatype}, which onnxruntime-node does not take`);
  const width = datatypeWidths[datatype];
  if (bytes.length !== count * width) {
    throw new TensorError(
      `${name} ${datatype} [${shape.join(', ')}] takes ${count * width} bytes, got ${bytes.length}`,
    );
  }
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const data = new mapping.view(aligned.buffer as ArrayBuffer, aligned.byteOffset, count);
  return new OrtTensor(mapping.type, data as Float32Array, shape);
}

export function fromOrtTensor(name: string, result: OrtTensor): Tensor {
  const datatype = datatypes.get(result.type);
  if (datatype === undefined) throw new Error(`the output ${name} is ${result.type}, which the protocol cannot carry`);
  const data = result.data;
  const bytes = Array.isArray(data)
    ? fromStrings(data)
    : new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return { name, datatype, shape: result.dims, bytes };
}

/** The binding takes strings, not bytes: what is not UTF-8 would be changed on the way, so it is refused. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toStrings(name: string, bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + 4;
    const end = start <= bytes.length ? start + view.getUint32(at, true) : Infinity;
    if (end > bytes.length)
      throw new TensorError(`element ${strings.length} of ${name} runs past the end of its bytes`);
    try {
      strings.push(utf8.decode(bytes.subarray(start, end)));
    } catch {
      throw new TensorError(`element ${strings.length} of ${name} is not UTF-8, which onnxruntime-node takes only`);
    }
    at = end;
  }
  if (strings.length !== count) throw new TensorError(`${name} has ${count} elements, got ${strings.length}`);
  return strings;
}

function fromStrings(strings: readonly string[]): Uint8Array {
  const encoded = strings.map((text) => Buffer.from(text, 'utf8'));
  const bytes = new Uint8Array(encoded.reduce((sum, element) => sum + 4 + element.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const element of encoded) {
    view.setUint32(at, element.length, true);
    bytes.set(element, at + 4);
    at += 4 + element.length;
  }
  return bytes;
}
