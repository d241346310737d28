/**
 * `POST|PUT /predictions/{model}[/{version}]`, as TorchServe has it: a file, a form with a file, JSON or raw bytes in; the
 * pipeline's readable answer or the outputs in plain JSON back. What a body is follows from its content type, and where
 * that says nothing (`curl -T`, `--data-binary`), from the model and the first bytes.
 */
import { FlyballError } from '../../errors.ts';
import type { InferencePayload, InferenceRequest } from '../inference.ts';
import { parseJsonBytes, printJson } from '../json.ts';
import { isDeclared } from '../tensor.ts';
import { inferRequestFromJson } from '../v2.ts';
import { rawInferRequest } from '../v2-raw.ts';
import { toInferenceRequest, type Call, type CallForm } from '../rest/call.ts';
import { sendJson } from '../rest/reply.ts';
import { torchServeError } from './errors.ts';
import { firstPart, type Part } from './multipart.ts';
import { tensorsFromPlainJson, toNested } from './plain-json.ts';

/** First bytes of PNG, JPEG and WebP (RIFF). */
const imageStarts = ['\x89PNG', '\xff\xd8\xff', 'RIFF'];

const isImage = (bytes: Uint8Array): boolean => {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  return imageStarts.some((magic) => start.startsWith(magic));
};

function startsLikeJson(bytes: Uint8Array): boolean {
  for (let at = 0; at < Math.min(bytes.byteLength, 64); at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x7b || byte === 0x5b) return true;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false;
  }
  return false;
}

function fromJson(call: Call, bytes: Uint8Array): InferenceRequest {
  const { service, v2Limits } = call.context;
  const value = parseJsonBytes(bytes, { depthMax: v2Limits.jsonDepthMax });
  const inputs = (value as { readonly inputs?: unknown } | null)?.inputs;
  const first: unknown = Array.isArray(inputs) ? inputs[0] : undefined;
  if (typeof first === 'object' && first !== null && 'datatype' in first) {
    const parsed = inferRequestFromJson(value, v2Limits);
    return toInferenceRequest(call, {
      payload: { kind: 'tensors', inputs: parsed.inputs },
      id: parsed.id,
      outputs: parsed.outputs,
      parameters: parsed.parameters,
    });
  }
  const { signature, properties } = service.metadata(call.model, call.version);
  // A handler of TorchServe behind us takes what it takes: with no tensors declared, it is given what was posted.
  if (!isDeclared(signature) && properties?.['takes_files'] === 'true') return fromFile(call, { kind: 'file', bytes });
  return toInferenceRequest(call, {
    payload: { kind: 'tensors', inputs: tensorsFromPlainJson(value, signature, v2Limits) },
  });
}

/** What comes back is the pipeline's readable answer, where it gives one. */
const fromFile = (call: Call, payload: InferencePayload): InferenceRequest =>
  toInferenceRequest(call, { payload, readableOnly: true });

/**
 * Bytes of no declared kind: a file or the model's one input, by its property `takes_files`. A service that does not say
 * gets a file where the bytes are an image or are no such input; it knows best why it takes none.
 */
function fromBytes(call: Call, { bytes, contentType }: Part): InferenceRequest {
  const { service, v2Limits } = call.context;
  const { signature, properties } = service.metadata(call.model, call.version);
  const file: InferencePayload = { kind: 'file', bytes, ...(contentType !== undefined && { contentType }) };
  const takesFiles = properties?.['takes_files'];
  if (takesFiles === 'true') return fromFile(call, file);
  let payload: InferencePayload;
  try {
    payload = { kind: 'tensors', inputs: rawInferRequest(bytes, signature, v2Limits).inputs };
  } catch (error) {
    if (takesFiles === 'false') throw error;
    payload = file;
  }
  if (payload === file || (takesFiles === undefined && isImage(bytes))) return fromFile(call, file);
  return toInferenceRequest(call, { payload });
}

function parsePart(call: Call, part: Part): InferenceRequest {
  if (part.bytes.byteLength === 0)
    throw new FlyballError('INVALID_REQUEST', 'expected a file or JSON, got an empty body');
  const end = part.contentType?.indexOf(';') ?? -1;
  const type = (end === -1 ? part.contentType : part.contentType?.slice(0, end))?.trim().toLowerCase();
  if (type === 'application/json' || type?.endsWith('+json') === true) return fromJson(call, part.bytes);
  if (type?.startsWith('image/') === true) {
    return fromFile(call, { kind: 'file', bytes: part.bytes, contentType: type });
  }
  const unsaid = type === undefined || type === 'application/x-www-form-urlencoded' || type === 'text/plain';
  if (unsaid && startsLikeJson(part.bytes)) return fromJson(call, part.bytes);
  return fromBytes(call, unsaid ? { bytes: part.bytes } : part);
}

export const predictionForm: CallForm = {
  protocol: 'torchserve',
  errorText: torchServeError,
  head: ({ headers }) =>
    headers.contentType?.toLowerCase().startsWith('image/') === true ? { payload: 'file', final: true } : undefined,
  parse(call, body) {
    const { contentType } = call.headers;
    if (contentType?.toLowerCase().startsWith('multipart/form-data') === true) {
      return parsePart(call, firstPart(body, contentType));
    }
    return parsePart(call, { bytes: body, ...(contentType !== undefined && { contentType }) });
  },
  reply(call, _request, answer) {
    const value =
      answer.readable === undefined
        ? Object.fromEntries(answer.outputs.map((output) => [output.name, toNested(output)]))
        : answer.readable;
    const text = printJson(value);
    sendJson(call.response, text, Buffer.byteLength(text), call, call.headers.acceptEncoding);
  },
};
