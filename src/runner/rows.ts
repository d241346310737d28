/** Tensors by rows (entries of the first dimension): counting, repeating, joining. Works on bytes, never on elements. */
import { packBytes } from '../protocol/elements.ts';
import { datatypeWidths, elementCount, type Tensor, type TensorSpec } from '../protocol/tensor.ts';

/** Byte offset of each row and, last, of the end. */
export function rowOffsets(tensor: Tensor): readonly number[] {
  const rows = tensor.shape[0] ?? 1;
  const width = datatypeWidths[tensor.datatype];
  if (width > 0) {
    const rowBytes = elementCount(tensor.shape.slice(1)) * width;
    return Array.from({ length: rows + 1 }, (_, row) => row * rowBytes);
  }
  const perRow = elementCount(tensor.shape.slice(1));
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  const offsets = [0];
  let at = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let element = 0; element < perRow; element += 1) at += 4 + view.getUint32(at, true);
    offsets.push(at);
  }
  return offsets;
}

/** `rows` rows: those of the tensor over and over. A tensor without rows stays as it is. */
export function tileRows(tensor: Tensor, rows: number): Tensor {
  const have = tensor.shape[0] ?? 0;
  if (have === 0) return tensor;
  const offsets = rowOffsets(tensor);
  const slices = Array.from({ length: rows }, (_, row) =>
    tensor.bytes.subarray(offsets[row % have], offsets[(row % have) + 1]),
  );
  return { ...tensor, shape: [rows, ...tensor.shape.slice(1)], bytes: joinBytes(slices) };
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * A tensor as declared with every variable dimension 1 and every element zero. A text is "0": models that read numbers
 * from text would refuse an empty one, and to the others it is as good as any.
 */
export function zeros(spec: TensorSpec): Tensor {
  const shape = spec.shape.map((dimension) => (dimension === -1 ? 1 : dimension));
  const width = datatypeWidths[spec.datatype];
  const count = elementCount(shape);
  const bytes = width === 0 ? packBytes(Array.from({ length: count }, () => '0')) : new Uint8Array(count * width);
  return { name: spec.name, datatype: spec.datatype, shape, bytes };
}
