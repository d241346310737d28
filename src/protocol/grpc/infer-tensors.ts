/**
 * The tensors and the requested outputs in ModelInferRequest and ModelInferResponse, which have the same form in both.
 * Invariant: a decoded tensor holds exactly the elements of its shape; raw contents are views into the message.
 */
import { FlyballError } from '../../errors.ts';
import { checkByteLength } from '../elements.ts';
import type { RequestedOutput } from '../inference.ts';
import { isDatatype, type Tensor } from '../tensor.ts';
import { refuseSharedMemory } from '../triton-settings.ts';
import { contentsToBytes } from './contents.ts';
import { readParameter, spend, toParameters, type ParameterBudget, type ParameterEntries } from './parameters.ts';
import { signed64, type Cursor, type Writer } from './wire.ts';

export interface InferMessageLimits {
  /** Elements of one tensor. */
  readonly tensorElementsMax: number;
}

/** Bounds that no model comes near, so that a message of tiny parts cannot become a heap of large objects. */
export const tensorsMax = 1024;
export const parametersMax = 1024;
const dimensionsMax = 64;
const contentsMax = 16;

const sharedMemoryKey = 'shared_memory_region';

/** A tensor as its message has it: nothing of it has been checked against anything else. */
export interface TensorMessage {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents: readonly Buffer[];
}

export function readTensor(cursor: Cursor, parameters: ParameterBudget): TensorMessage {
  let name = '';
  let datatype = '';
  const shape: number[] = [];
  const contents: Buffer[] = [];
  while (cursor.more) {
    const tag = cursor.tag();
    switch (tag) {
      case 0x0a:
        name = cursor.string();
        break;
      case 0x12:
        datatype = cursor.string();
        break;
      case 0x18:
        readDimension(cursor, shape);
        break;
      case 0x1a: {
        const packed = cursor.message();
        while (packed.more) readDimension(packed, shape);
        break;
      }
      case 0x22:
        // Nothing defined so far changes what a tensor means, but for what is not offered.
        spend(parameters);
        if (cursor.delimited().includes(sharedMemoryKey)) refuseSharedMemory();
        break;
      case 0x2a:
        bounded(contents.length, contentsMax, 'contents');
        contents.push(cursor.delimited());
        break;
      default:
        cursor.skip(tag);
    }
  }
  return { name, datatype, shape, contents };
}

function readDimension(cursor: Cursor, shape: number[]): void {
  bounded(shape.length, dimensionsMax, 'dimensions');
  cursor.varint();
  const dimension = signed64(cursor);
  if (typeof dimension === 'bigint' || dimension < 0) {
    throw new FlyballError('INVALID_TENSOR', `expected a dimension of 0 or more in a shape, got ${dimension}`);
  }
  shape.push(dimension);
}

export function readRequestedOutput(cursor: Cursor, parameters: ParameterBudget): RequestedOutput {
  let name = '';
  let own: ParameterEntries;
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === 0x0a) name = cursor.string();
    else if (tag === 0x12) own = readParameter(parameters, own, cursor.message());
    else cursor.skip(tag);
  }
  if (own === undefined) return { name };
  for (const [key] of own) {
    if (key === sharedMemoryKey) refuseSharedMemory();
    if (key === 'classification') {
      throw new FlyballError('NOT_IMPLEMENTED', `output '${name}': the extension classification is not offered`);
    }
  }
  return { name, parameters: toParameters(own) };
}

/** `raw`: one buffer a tensor in place of typed contents, or none at all. INVALID_TENSOR, TOO_LARGE. */
export function toTensors(
  messages: readonly TensorMessage[],
  raw: readonly Buffer[],
  rawField: string,
  limits: InferMessageLimits,
): Tensor[] {
  if (raw.length > 0 && raw.length !== messages.length) {
    throw new FlyballError(
      'INVALID_TENSOR',
      `expected one of ${rawField} for each of ${messages.length} tensors, got ${raw.length}`,
    );
  }
  return messages.map(({ name, datatype, shape, contents }, index) => {
    if (!isDatatype(datatype)) {
      throw new FlyballError(
        'INVALID_TENSOR',
        `tensor '${name}': expected a datatype of the protocol, got '${datatype}'`,
      );
    }
    let elements = 1;
    for (const dimension of shape) elements *= dimension;
    // Written so that NaN, from a zero beside an overflow, is refused too.
    if (!(elements <= limits.tensorElementsMax)) {
      throw new FlyballError(
        'TOO_LARGE',
        `tensor '${name}': expected at most ${limits.tensorElementsMax} elements (limits.tensorElementsMax), got ${elements}`,
      );
    }
    if (raw.length === 0) {
      return { name, datatype, shape, bytes: contentsToBytes({ name, datatype, shape }, contents) };
    }
    if (contents.length > 0) {
      throw new FlyballError('INVALID_TENSOR', `tensor '${name}': expected no contents beside ${rawField}`);
    }
    const tensor = { name, datatype, shape, bytes: raw[index]! };
    checkByteLength(tensor);
    return tensor;
  });
}

/** To be called before one more is added. */
export function bounded(count: number, max: number, what: string): void {
  if (count >= max) throw new FlyballError('TOO_LARGE', `expected at most ${max} ${what}, got more`);
}

export function writeTensorHead(writer: Writer, tensor: Tensor): void {
  writer.string(1, tensor.name);
  writer.string(2, tensor.datatype);
  if (tensor.shape.length === 0) return;
  const packed = writer.begin(3);
  for (const dimension of tensor.shape) writer.varint(dimension);
  writer.end(packed);
}
