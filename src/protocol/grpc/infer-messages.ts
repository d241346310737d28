/**
 * ModelInferRequest and ModelInferResponse to the platform's own types and back, for server and client alike.
 * It checks what the message itself can tell (counts, sizes, datatypes), never a model's signature.
 */
import type { InferenceResponse, Parameters, RequestedOutput } from '../inference.ts';
import type { Tensor } from '../tensor.ts';
import { hasTypedContents, writeContents } from './contents.ts';
import {
  bounded,
  parametersMax,
  readRequestedOutput,
  readTensor,
  tensorsMax,
  toTensors,
  writeTensorHead,
  type InferMessageLimits,
  type TensorMessage,
} from './infer-tensors.ts';
import { readParameter, toParameters, writeParameters, type ParameterEntries } from './parameters.ts';
import { Cursor, Writer } from './wire.ts';

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
  const { model, version, id, parameters, tensors, requested, raw } = readFields(message, requestForm);
  return {
    model,
    ...(version === '' ? undefined : { version }),
    ...(id === '' ? undefined : { id }),
    ...(parameters === undefined ? undefined : { parameters: toParameters(parameters) }),
    inputs: toTensors(tensors, raw, requestForm.raw, limits),
    ...(requested.length === 0 ? undefined : { outputs: requested }),
  };
}

export function decodeInferResponse(message: Buffer, limits: InferMessageLimits): InferResponseMessage {
  const { model, version, id, parameters, tensors, raw } = readFields(message, responseForm);
  return {
    model,
    version,
    ...(id === '' ? undefined : { id }),
    ...(parameters === undefined ? undefined : { parameters: toParameters(parameters) }),
    outputs: toTensors(tensors, raw, responseForm.raw, limits),
  };
}

/** The two messages differ in what follows the tensors: requested outputs and raw contents, or raw contents alone. */
interface MessageForm {
  readonly tensors: string;
  readonly raw: string;
  /** Tags of length-delimited fields; 0 is none that a message can have. */
  readonly requestedTag: number;
  readonly rawTag: number;
}

const requestForm: MessageForm = { tensors: 'inputs', raw: 'raw_input_contents', requestedTag: 0x32, rawTag: 0x3a };
const responseForm: MessageForm = { tensors: 'outputs', raw: 'raw_output_contents', requestedTag: 0, rawTag: 0x32 };

interface MessageFields {
  readonly model: string;
  /** Empty where there is none, as with the id. */
  readonly version: string;
  readonly id: string;
  readonly parameters: ParameterEntries;
  readonly tensors: readonly TensorMessage[];
  readonly requested: readonly RequestedOutput[];
  readonly raw: readonly Buffer[];
}

function readFields(message: Buffer, form: MessageForm): MessageFields {
  const cursor = new Cursor(message);
  let model = '';
  let version = '';
  let id = '';
  const budget = { left: parametersMax };
  let parameters: ParameterEntries;
  const tensors: TensorMessage[] = [];
  const requested: RequestedOutput[] = [];
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
        parameters = readParameter(budget, parameters, cursor.message());
        break;
      case 0x2a:
        bounded(tensors.length, tensorsMax, form.tensors);
        tensors.push(readTensor(cursor.message(), budget));
        break;
      case form.rawTag:
        bounded(raw.length, tensorsMax, form.raw);
        raw.push(cursor.delimited());
        break;
      case form.requestedTag:
        bounded(requested.length, tensorsMax, 'outputs');
        requested.push(readRequestedOutput(cursor.message(), budget));
        break;
      default:
        cursor.skip(tag);
    }
  }
  return { model, version, id, parameters, tensors, requested, raw };
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
