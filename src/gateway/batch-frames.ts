/**
 * Many requests as one call and one answer as many, along the first axis and without copying a tensor: inputs leave as
 * a list of the callers' own bytes, outputs come back as views of the received body.
 */
import type { FrameTensor, InferHeader, ResultHeader } from '../protocol/frames/messages.ts';
import type { Tensor } from '../protocol/tensor.ts';
import type { Job } from './job.ts';

export interface CallFrame {
  readonly header: Omit<InferHeader, 'call'>;
  readonly parts: readonly Uint8Array[];
}

/** Absent is all, empty is nothing but the readable answers. */
function outputsOf({ payload, request }: Job): readonly string[] | undefined {
  if (payload === 'files' && request.readableOnly === true) return [];
  const { outputs } = request;
  return outputs === undefined || outputs.length === 0 ? undefined : outputs.map((output) => output.name);
}

/** All jobs of one compatibility key. */
export function joinInputs(jobs: readonly Job[]): CallFrame {
  const first = jobs[0] as Job;
  const items = jobs.map(({ rows, request }) => ({
    rows,
    requestId: request.requestId,
    traceparent: request.traceparent,
  }));
  const outputs = outputsOf(first);
  const bytes: Uint8Array[] = [];
  const tensors: FrameTensor[] = [];
  if (first.payload === 'files') {
    for (const { request } of jobs) {
      if (request.payload.kind !== 'file') continue;
      bytes.push(request.payload.bytes);
      tensors.push({ name: 'file', datatype: 'BYTES', shape: [1], byteLength: request.payload.bytes.byteLength });
    }
    return { header: { items, payload: { kind: 'files', parts: tensors }, outputs }, parts: bytes };
  }
  for (let index = 0; index < first.inputs.length; index += 1) {
    const { name, datatype, shape } = first.inputs[index] as Tensor;
    let rows = 0;
    let byteLength = 0;
    for (const job of jobs) {
      const input = job.inputs[index] as Tensor;
      bytes.push(input.bytes);
      byteLength += input.bytes.byteLength;
      rows += input.shape[0] ?? 0;
    }
    tensors.push({ name, datatype, shape: jobs.length === 1 ? shape : [rows, ...shape.slice(1)], byteLength });
  }
  return { header: { items, payload: { kind: 'tensors', parts: tensors }, outputs }, parts: bytes };
}

export type Split =
  | { readonly kind: 'split'; readonly outputs: readonly (readonly Tensor[])[] }
  /** The answer cannot be divided among the callers; the message says what was expected and what came. */
  | { readonly kind: 'indivisible'; readonly message: string };

/** One list of outputs for each of `rows` (rows of each request that took part, in order). */
export function splitOutputs(header: ResultHeader, body: Uint8Array, rows: readonly number[]): Split {
  const outputs: Tensor[][] = rows.map(() => []);
  const total = rows.reduce((sum, count) => sum + count, 0);
  let at = 0;
  for (const { name, datatype, shape, byteLength } of header.outputs ?? []) {
    const bytes = body.subarray(at, at + byteLength);
    if (bytes.byteLength !== byteLength)
      return { kind: 'indivisible', message: `output ${name}: expected ${byteLength} bytes, got ${bytes.byteLength}` };
    at += byteLength;
    if (rows.length === 1) {
      outputs[0]?.push({ name, datatype, shape, bytes });
      continue;
    }
    if (shape[0] !== total)
      return { kind: 'indivisible', message: `output ${name}: expected ${total} rows, got shape [${shape.join(',')}]` };
    const ends = datatype === 'BYTES' ? rowEnds(bytes, shape) : undefined;
    const rowBytes = byteLength / Math.max(total, 1);
    let row = 0;
    for (let index = 0; index < rows.length; index += 1) {
      const last = row + (rows[index] as number);
      const part =
        ends === undefined ? bytes.subarray(row * rowBytes, last * rowBytes) : bytes.subarray(ends[row], ends[last]);
      outputs[index]?.push({ name, datatype, shape: [last - row, ...shape.slice(1)], bytes: part });
      row = last;
    }
  }
  return { kind: 'split', outputs };
}

/** Where each row of a BYTES tensor begins, and the end of the last: elements are a uint32 length and that many bytes. */
function rowEnds(bytes: Uint8Array, shape: readonly number[]): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elementsPerRow = shape.slice(1).reduce((product, size) => product * size, 1);
  const ends = [0];
  let at = 0;
  for (let row = 0; row < (shape[0] ?? 0); row += 1) {
    for (let element = 0; element < elementsPerRow && at + 4 <= bytes.byteLength; element += 1)
      at += 4 + view.getUint32(at, true);
    ends.push(Math.min(at, bytes.byteLength));
  }
  return ends;
}
