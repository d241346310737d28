/**
 * ModelInferRequest and ModelInferResponse to the platform's own types and back, for server and client alike.
 * It checks what the message itself can tell (counts, sizes, datatypes), never a model's signature.
 * Invariant: a decoded tensor holds exactly the elements of its shape; raw contents are views into the message.
 */
import { FlyballError } from '../../errors.ts';
import { checkByteLength } from '../elements.ts';
import type { InferenceResponse, Parameters, RequestedOutput } from '../inference.ts';
import { isDatatype, type Tensor } from '../tensor.ts';
import { refuseSharedMemory } from '../triton-settings.ts';
import { contentsToBytes, hasTypedContents, writeContents } from './contents.ts';
import {
  readParameter,
  spend,
  toParameters,
  writeParameters,
  type ParameterBudget,
  type ParameterEntries,
} from './parameters.ts';
import { Cursor, signed64, Writer } from './wire.ts';

export interface InferMessageLimits {
  /** Elements of one tensor. */
  readonly tensorElementsMax: number;
}

/** Bounds that no model comes near, so that a message of tiny parts cannot become a heap of large objects. */
const tensorsMax = 1024;
const parametersMax = 1024;
const dimensionsMax = 64;
const contentsMax = 16;

const sharedMemoryKey = 'shared_memory_region';

export interface InferRequestMessage {
  readonly model: string;
  readonly version?: string;
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly inputs: readonly Tensor[];
  readonly outputs?: readonly RequestedOutput[];
}

export type InferResponseMessage = Pick<InferenceResponse, 'model' | 'version' | 'id' | 'parameters' | 'outputs'>;

export function decodeInferRequest(message: Buffer, limits: InferMessageLimits): InferRequestMessage {
  const cursor = new Cursor(message);
  let model = '';
  let version = '';
  let id = '';
  const parameters = { left: parametersMax };
  let own: ParameterEntries;
  const tensors: TensorMessage[] = [];
  const outputs: RequestedOutput[] = [];
  const raw: Buffer[] = [];
  while (cursor.more) {
    const tag = cursor.tag();
    switch (tag) {
      case 0x0a:
        model = cursor.string();
        break;
      case 0x12:
        version = cursor.string();
        break;
      case 0x1a:
        id = cursor.string();
        break;
      case 0x22:
        own = readParameter(parameters, own, cursor.message());
        break;
      case 0x2a:
        bounded(tensors.length, tensorsMax, 'inputs');
        tensors.push(readTensor(cursor.message(), parameters));
        break;
      case 0x32:
        bounded(outputs.length, tensorsMax, 'outputs');
        outputs.push(readRequestedOutput(cursor.message(), parameters));
        break;
      case 0x3a:
        bounded(raw.length, tensorsMax, 'raw_input_contents');
        raw.push(cursor.delimited());
        break;
      default:
        cursor.skip(tag);
    }
  }
  return {
    model,
    ...(version === '' ? undefined : { version }),
    ...(id === '' ? undefined : { id }),
    ...(own === undefined ? undefined : { parameters: toParameters(own) }),
    inputs: toTensors(tensors, raw, 'raw_input_contents', limits),
    ...(outputs.length === 0 ? undefined : { outputs }),
  };
}

/** The id of a request that could not be decoded, so that its error finds its way back; empty where there is none. */
export function peekId(message: Buffer): string {
  let id = '';
  try {
    const cursor = new Cursor(message);
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === 0x1a) id = cursor.string();
      else cursor.skip(tag);
    }
  } catch {
    // What came before the damage is all there is.
  }
  return id;
}

export function decodeInferResponse(message: Buffer, limits: InferMessageLimits): InferResponseMessage {
  const cursor = new Cursor(message);
  let model = '';
  let version = '';
  let id = '';
  const parameters = { left: parametersMax };
  let own: ParameterEntries;
  const tensors: TensorMessage[] = [];
  const raw: Buffer[] = [];
  while (cursor.more) {
    const tag = cursor.tag();
    switch (tag) {
      case 0x0a:
        model = cursor.string();
        break;
      case 0x12:
        version = cursor.string();
        break;
      case 0x1a:
        id = cursor.string();
        break;
      case 0x22:
        own = readParameter(parameters, own, cursor.message());
        break;
      case 0x2a:
        bounded(tensors.length, tensorsMax, 'outputs');
        tensors.push(readTensor(cursor.message(), parameters));
        break;
      case 0x32:
        bounded(raw.length, tensorsMax, 'raw_output_contents');
        raw.push(cursor.delimited());
        break;
      default:
        cursor.skip(tag);
    }
  }
  return {
    model,
    version,
    ...(id === '' ? undefined : { id }),
    ...(own === undefined ? undefined : { parameters: toParameters(own) }),
    outputs: toTensors(tensors, raw, 'raw_output_contents', limits),
  };
}

/** Pieces of one gRPC frame. Inputs go out raw. */
export function encodeInferRequest(request: InferRequestMessage): Buffer[] {
  const writer = new Writer();
  writeHead(writer, request.model, request.version, request.id, request.parameters);
  for (const tensor of request.inputs) {
    const mark = writer.begin(5);
    writeTensorHead(writer, tensor);
    writer.end(mark);
  }
  for (const output of request.outputs ?? []) {
    const mark = writer.begin(6);
    writer.string(1, output.name);
    if (output.parameters !== undefined) writeParameters(writer, 2, output.parameters);
    writer.end(mark);
  }
  for (const tensor of request.inputs) writer.bytes(7, tensor.bytes);
  return writer.frame();
}

/**
 * Pieces of one gRPC frame. `typed` puts the outputs into typed contents, unless one of them has no typed form: raw and
 * typed must not be mixed in one message, so then all go out raw. `within` wraps it as that field of another message.
 */
export function encodeInferResponse(response: InferResponseMessage, typed: boolean, within?: number): Buffer[] {
  const writer = new Writer();
  writeHead(writer, response.model, response.version, response.id, response.parameters);
  const inContents = typed && response.outputs.every((output) => hasTypedContents(output.datatype));
  for (const tensor of response.outputs) {
    const mark = writer.begin(5);
    writeTensorHead(writer, tensor);
    if (inContents) writeContents(writer, tensor);
    writer.end(mark);
  }
  if (!inContents) for (const tensor of response.outputs) writer.bytes(6, tensor.bytes);
  return writer.frame(within);
}

interface TensorMessage {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents: readonly Buffer[];
}

function readTensor(cursor: Cursor, parameters: ParameterBudget): TensorMessage {
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

function readRequestedOutput(cursor: Cursor, parameters: ParameterBudget): RequestedOutput {
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

function toTensors(
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

function bounded(count: number, max: number, what: string): void {
  if (count >= max) throw new FlyballError('TOO_LARGE', `expected at most ${max} ${what}, got more`);
}

function writeHead(
  writer: Writer,
  model: string,
  version: string | undefined,
  id: string | undefined,
  parameters: Parameters | undefined,
): void {
  writer.string(1, model);
  if (version !== undefined && version !== '') writer.string(2, version);
  if (id !== undefined && id !== '') writer.string(3, id);
  if (parameters !== undefined) writeParameters(writer, 4, parameters);
}

function writeTensorHead(writer: Writer, tensor: Tensor): void {
  writer.string(1, tensor.name);
  writer.string(2, tensor.datatype);
  if (tensor.shape.length === 0) return;
  const packed = writer.begin(3);
  for (const dimension of tensor.shape) writer.varint(dimension);
  writer.end(packed);
}
