/**
 * The V2 infer message (Open Inference Protocol over HTTP) with its binary tensor extension, both directions; server
 * and client share it. It knows nothing of HTTP but the one header that says where the JSON ends.
 *
 *   body = JSON blob*        the JSON has Inference-Header-Content-Length bytes; without the header it is the whole body
 *   blob = a tensor's bytes  in the order of the JSON, for each tensor with parameters.binary_data_size and no data
 *
 * Invariant: nothing but FlyballError is thrown, and a parsed tensor's bytes fit its datatype and shape.
 */
import { FlyballError } from '../errors.ts';
import type { InferenceResponse, Parameters, ParameterValue, RequestedOutput } from './inference.ts';
import { checkByteLength, printElements, toBytes } from './elements.ts';
import { parseJsonBytes, printJson } from './json.ts';
import { datatypeWidths, isDatatype, type Tensor } from './tensor.ts';
import {
  asId,
  asList,
  asName,
  asObject,
  asParameters,
  checkFlag,
  lenientParameters,
  refuse,
  type JsonObject,
} from './v2-fields.ts';
import { checkShape } from './validate.ts';

export interface V2Limits {
  readonly jsonDepthMax: number;
  readonly tensorElementsMax: number;
}

export interface ParsedInfer {
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly inputs: readonly Tensor[];
  readonly outputs?: readonly RequestedOutput[];
}

export interface ParsedInferResponse {
  readonly model: string;
  readonly version?: string;
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly outputs: readonly Tensor[];
}

/** A message body: one JSON text, then the binary tensors in order. */
export interface EncodedMessage {
  readonly json: string;
  readonly jsonByteLength: number;
  /** Empty when everything is in the JSON. */
  readonly binary: readonly Uint8Array[];
  readonly byteLength: number;
  /** Value of Inference-Header-Content-Length; absent when there is no binary part. */
  readonly headerLength?: number;
  readonly contentType: 'application/json' | 'application/octet-stream';
}

/** Where the next binary tensor begins in the body. */
interface Cursor {
  readonly body: Uint8Array;
  at: number;
}

function takeBinary(cursor: Cursor, size: ParameterValue, name: string): Uint8Array {
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new FlyballError(
      'INVALID_BINARY',
      `tensor ${name}: expected parameters.binary_data_size as a whole number of bytes, got ${printJson(size)}`,
    );
  }
  const left = cursor.body.byteLength - cursor.at;
  if (size > left) {
    throw new FlyballError(
      'INVALID_BINARY',
      `tensor ${name}: expected ${size} bytes after the JSON (binary_data_size), got ${left}; ` +
        'Inference-Header-Content-Length must be the length of the JSON in bytes',
    );
  }
  const bytes = cursor.body.subarray(cursor.at, cursor.at + size);
  cursor.at += size;
  return bytes;
}

function parseTensor(value: unknown, what: string, cursor: Cursor, limits: V2Limits): Tensor {
  const object = asObject(value, what);
  const name = asName(object['name'], `${what}.name`);
  const datatype = object['datatype'];
  if (typeof datatype !== 'string' || !isDatatype(datatype)) {
    throw new FlyballError(
      'INVALID_TENSOR',
      `tensor ${name}: expected a datatype of ${Object.keys(datatypeWidths).join(', ')}, got ${printJson(datatype)}`,
    );
  }
  const shape = asList(object['shape'], `tensor ${name}: shape`) as readonly number[];
  checkShape(shape, name, limits);
  const parameters = object['parameters'] as JsonObject | null | undefined;
  const size = parameters === undefined || parameters === null ? undefined : binarySize(parameters, what);
  const data = object['data'];
  if (size === undefined) {
    if (data === undefined) refuse(`tensor ${name}: expected data or parameters.binary_data_size, got neither`);
    return { name, datatype, shape, bytes: toBytes(datatype, data, shape, name) };
  }
  if (data !== undefined) refuse(`tensor ${name}: expected data or parameters.binary_data_size, got both`);
  const tensor: Tensor = { name, datatype, shape, bytes: takeBinary(cursor, size, name) };
  checkByteLength(tensor);
  return tensor;
}

function binarySize(value: JsonObject, what: string): ParameterValue | undefined {
  const parameters = asParameters(value, `${what}.parameters`);
  if (parameters?.['shared_memory_region'] !== undefined) {
    throw new FlyballError(
      'NOT_IMPLEMENTED',
      `${what}: shared memory is not offered; expected data or a binary tensor`,
    );
  }
  return parameters?.['binary_data_size'];
}

function parseTensors(list: unknown, what: string, cursor: Cursor, limits: V2Limits): Tensor[] {
  const tensors: Tensor[] = [];
  const values = asList(list, what);
  for (let index = 0; index < values.length; index++) {
    tensors.push(parseTensor(values[index], `${what}[${index}]`, cursor, limits));
  }
  if (cursor.at !== cursor.body.byteLength) {
    throw new FlyballError(
      'INVALID_BINARY',
      `expected the sum of binary_data_size to be the ${cursor.body.byteLength} bytes after the JSON, got ${cursor.at}`,
    );
  }
  return tensors;
}

function parseRequestedOutput(value: unknown, index: number): RequestedOutput {
  const what = `outputs[${index}]`;
  const object = asObject(value, what);
  const name = asName(object['name'], `${what}.name`);
  const parameters = asParameters(object['parameters'], `${what}.parameters`);
  if (parameters === undefined) return { name };
  checkFlag(parameters, 'binary_data', what);
  for (const extension of ['classification', 'shared_memory_region']) {
    if (parameters[extension] !== undefined) {
      throw new FlyballError('NOT_IMPLEMENTED', `${what}: the extension ${extension} is not offered`);
    }
  }
  return { name, parameters };
}

function split(body: Uint8Array, headerLength: number | undefined): { json: Uint8Array; cursor: Cursor } {
  if (headerLength === undefined) return { json: body, cursor: { body: body.subarray(body.byteLength), at: 0 } };
  if (!Number.isSafeInteger(headerLength) || headerLength < 0 || headerLength > body.byteLength) {
    throw new FlyballError(
      'INVALID_BINARY',
      `Inference-Header-Content-Length: expected 0 to ${body.byteLength} (the body), got ${headerLength}`,
    );
  }
  return { json: body.subarray(0, headerLength), cursor: { body: body.subarray(headerLength), at: 0 } };
}

/**
 * `headerLength` is the value of Inference-Header-Content-Length, or undefined when the header is absent. Binary tensors
 * are views into `body`. A raw-binary request (header length 0) goes to v2-raw.ts instead.
 */
export function parseInferRequest(body: Uint8Array, headerLength: number | undefined, limits: V2Limits): ParsedInfer {
  const { json, cursor } = split(body, headerLength);
  return inferFromJson(parseJsonBytes(json, { depthMax: limits.jsonDepthMax }), cursor, limits);
}

/** A request that has been parsed as JSON already and has no binary part. */
export function inferRequestFromJson(value: unknown, limits: V2Limits): ParsedInfer {
  return inferFromJson(value, { body: new Uint8Array(0), at: 0 }, limits);
}

function inferFromJson(value: unknown, cursor: Cursor, limits: V2Limits): ParsedInfer {
  const message = asObject(value, 'the request');
  const id = asId(message['id']);
  const parameters = asParameters(message['parameters'], 'parameters');
  if (parameters !== undefined) checkFlag(parameters, 'binary_data_output', 'the request');
  const inputs = parseTensors(message['inputs'], 'inputs', cursor, limits);
  const outputs = message['outputs'];
  return {
    inputs,
    ...(id !== undefined && { id }),
    ...(parameters !== undefined && { parameters }),
    ...(outputs !== undefined && outputs !== null && { outputs: asList(outputs, 'outputs').map(parseRequestedOutput) }),
  };
}

/** Prints one tensor and keeps its bytes in `binary` when they are to follow the JSON. */
function printTensor(tensor: Tensor, inBinary: boolean, binary: Uint8Array[]): string {
  const head = `{"name":${JSON.stringify(tensor.name)},"datatype":"${tensor.datatype}","shape":[${tensor.shape.join(',')}]`;
  if (!inBinary) return `${head},"data":${printElements(tensor)}}`;
  binary.push(tensor.bytes);
  return `${head},"parameters":{"binary_data_size":${tensor.bytes.byteLength}}}`;
}

function encoded(json: string, binary: readonly Uint8Array[], headed: boolean): EncodedMessage {
  const jsonByteLength = Buffer.byteLength(json);
  let byteLength = jsonByteLength;
  for (const part of binary) byteLength += part.byteLength;
  return headed
    ? {
        json,
        jsonByteLength,
        binary,
        byteLength,
        headerLength: jsonByteLength,
        contentType: 'application/octet-stream',
      }
    : { json, jsonByteLength, binary, byteLength, contentType: 'application/json' };
}

/** `binary`: all inputs as binary tensors; outputs are asked for in binary too unless their own parameters say otherwise. */
export function encodeInferRequest(request: ParsedInfer, binary: boolean): EncodedMessage {
  const parts: Uint8Array[] = [];
  const inputs = request.inputs.map((input) => printTensor(input, binary || input.datatype === 'BF16', parts));
  const parameters: Parameters | undefined =
    binary && request.parameters?.['binary_data_output'] === undefined
      ? { ...request.parameters, binary_data_output: true }
      : request.parameters;
  let json = '{';
  if (request.id !== undefined) json += `"id":${JSON.stringify(request.id)},`;
  if (parameters !== undefined) json += `"parameters":${printJson(parameters)},`;
  json += `"inputs":[${inputs.join(',')}]`;
  if (request.outputs !== undefined && request.outputs.length > 0) json += `,"outputs":${printJson(request.outputs)}`;
  return encoded(`${json}}`, parts, parts.length > 0);
}

/** `wish`: what the request said about outputs; `binary_data` of an output wins over `binary_data_output` of the request. */
export function encodeInferResponse(
  response: InferenceResponse,
  wish: { readonly outputs?: readonly RequestedOutput[]; readonly parameters?: Parameters },
): EncodedMessage {
  const byDefault = wish.parameters?.['binary_data_output'] === true;
  const binary: Uint8Array[] = [];
  let headed = false;
  let outputs = '';
  for (const output of response.outputs) {
    let inBinary = byDefault;
    if (wish.outputs !== undefined) {
      const own = wish.outputs.find((wanted) => wanted.name === output.name)?.parameters?.['binary_data'];
      if (typeof own === 'boolean') inBinary = own;
    }
    headed ||= inBinary;
    if (outputs !== '') outputs += ',';
    outputs += printTensor(output, inBinary, binary);
  }
  let json = `{"model_name":${JSON.stringify(response.model)},"model_version":${JSON.stringify(response.version)}`;
  if (response.id !== undefined) json += `,"id":${JSON.stringify(response.id)}`;
  if (response.parameters !== undefined) json += `,"parameters":${printJson(response.parameters)}`;
  return encoded(`${json},"outputs":[${outputs}]}`, binary, headed);
}

function withoutTensorExtras(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const parameters = lenientParameters((value as JsonObject)['parameters']);
  return { ...value, parameters };
}

/** Throws PROTOCOL when the other side's body is not a V2 response. */
export function parseInferResponse(
  body: Uint8Array,
  headerLength: number | undefined,
  limits: V2Limits,
): ParsedInferResponse {
  try {
    const { json, cursor } = split(body, headerLength);
    const message = asObject(parseJsonBytes(json, { depthMax: limits.jsonDepthMax }), 'the response');
    const version = message['model_version'];
    const id = asId(message['id']);
    const parameters = lenientParameters(message['parameters']);
    const outputs = asList(message['outputs'], 'outputs').map(withoutTensorExtras);
    return {
      model: asName(message['model_name'], 'model_name'),
      ...(version !== undefined && version !== null && version !== '' && { version: asName(version, 'model_version') }),
      ...(id !== undefined && { id }),
      ...(parameters !== undefined && { parameters }),
      outputs: parseTensors(outputs, 'outputs', cursor, limits),
    };
  } catch (error) {
    if (!(error instanceof FlyballError)) throw error;
    throw new FlyballError('PROTOCOL', `expected a V2 inference response: ${error.message}`, { cause: error });
  }
}
