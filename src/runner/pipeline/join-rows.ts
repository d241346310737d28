/**
 * The outputs of several calls of the runtime → one, with the rows in the order of the items.
 * Where the calls gave outputs of different size (texts of different length), the smaller rows are padded with zeros at
 * their end in every dimension.
 */
import { FlyballError } from '../../errors.ts';
import { datatypeWidths, elementCount, type Tensor } from '../../protocol/tensor.ts';
import { joinBytes, rowOffsets } from '../rows.ts';

export interface CallOutputs {
  /** The item of each row. */
  readonly indices: readonly number[];
  readonly outputs: readonly Tensor[];
}

export function joinRows(calls: readonly CallOutputs[]): readonly Tensor[] {
  const [first] = calls;
  if (first === undefined) return [];
  if (calls.length === 1) return first.outputs;
  return first.outputs.map((model, position) => {
    const tensors = calls.map(({ outputs }) => outputs[position] ?? model);
    const rest = model.shape
      .slice(1)
      .map((_, index) => Math.max(...tensors.map((tensor) => tensor.shape[index + 1] ?? 0)));
    const rows: Uint8Array[] = [];
    for (const [call, { indices }] of calls.entries()) {
      const tensor = tensors[call] ?? model;
      if (tensor.shape[0] !== indices.length || tensor.shape.length !== model.shape.length) {
        throw new FlyballError(
          'INFERENCE_FAILED',
          `expected a row of ${tensor.name} for each of ${indices.length} images, got [${tensor.shape.join(', ')}]`,
        );
      }
      const offsets = rowOffsets(tensor);
      for (const [row, index] of indices.entries()) {
        rows[index] = pad(tensor, tensor.bytes.subarray(offsets[row], offsets[row + 1]), rest);
      }
    }
    // Items that failed leave holes.
    const parts = Object.values(rows);
    const { name, datatype } = model;
    return { name, datatype, shape: [parts.length, ...rest], bytes: joinBytes(parts) };
  });
}

/** One row as if its tensor had been `to` in size. */
function pad(tensor: Tensor, row: Uint8Array, to: readonly number[]): Uint8Array {
  const from = tensor.shape.slice(1);
  if (from.every((size, index) => size === to[index])) return row;
  const width = datatypeWidths[tensor.datatype];
  if (width === 0) {
    throw new FlyballError('INFERENCE_FAILED', `${tensor.name} differs in size between images and cannot be joined`);
  }
  const padded = new Uint8Array(elementCount(to) * width);
  const lineBytes = (from.at(-1) ?? 1) * width;
  const lines = lineBytes === 0 ? 0 : row.length / lineBytes;
  for (let line = 0; line < lines; line += 1) {
    // The position of the line in the smaller tensor, carried over to the larger.
    let rest = line;
    let at = 0;
    let stride = to.at(-1) ?? 1;
    for (let dimension = from.length - 2; dimension >= 0; dimension -= 1) {
      const size = from[dimension] ?? 1;
      at += (rest % size) * stride;
      rest = Math.floor(rest / size);
      stride *= to[dimension] ?? 1;
    }
    padded.set(row.subarray(line * lineBytes, (line + 1) * lineBytes), at * width);
  }
  return padded;
}
