/**
 * What the headers of a call say, and the headers that end one. The protocol's small print: timeouts with units,
 * percent-encoded messages, statuses in trailers, or in the headers when nothing else was sent.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { FlyballError, toFlyballError } from '../../errors.ts';
import type { InferenceRequest, Parameters } from '../inference.ts';
import { refuseSequence } from '../sequences.ts';
import { newTraceId, traceIdOf, validTraceparent } from '../trace-context.ts';
import { GrpcFailure } from './framing.ts';
import type { InferRequestMessage } from './infer-messages.ts';

const unitMs = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 } as const;

/** `grpc-timeout` in milliseconds. */
export function parseTimeout(value: string): number {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  if (match === null) {
    throw new FlyballError('INVALID_REQUEST', `grpc-timeout: expected up to 8 digits and one of HMSmun, got ${value}`);
  }
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

/** Milliseconds as `grpc-timeout`: the finest unit that eight digits hold, never rounded to nothing. */
export function formatTimeout(ms: number): string {
  const most = 99_999_999;
  if (ms * 1000 <= most) return `${Math.max(1, Math.round(ms * 1000))}u`;
  return ms <= most ? `${Math.round(ms)}m` : `${Math.min(most, Math.round(ms / 1000))}S`;
}

/** Longer messages could push the header block over what clients take (8 KiB with many). */
const messageCharactersMax = 1500;

/** Everything but printable ASCII, and `%` itself, as %XX of its UTF-8 bytes. */
export function encodeMessage(message: string): string {
  const cut = message.length > messageCharactersMax ? `${message.slice(0, messageCharactersMax)}…` : message;
  if (/^[ -$&-~]*$/.test(cut)) return cut;
  let encoded = '';
  for (const byte of Buffer.from(cut)) {
    encoded +=
      byte >= 0x20 && byte < 0x7f && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** What is not valid percent-encoding stays as it came. */
export function decodeMessage(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Headers of every call that gets an answer; shared, so that a call makes none of its own. */
const callHeaders: OutgoingHttpHeaders = Object.freeze({ ':status': 200, 'content-type': 'application/grpc' });

/** Which trace a call belongs to. */
export interface Trace {
  readonly traceId: string;
  /** As the caller sent it, where it is valid. */
  readonly traceparent: string | undefined;
}

export function openTrace(headers: IncomingHttpHeaders): Trace {
  const traceparent = validTraceparent(text(headers['traceparent']));
  return { traceId: traceparent === undefined ? newTraceId() : traceIdOf(traceparent), traceparent };
}

export const headersOf = (trace: Trace | undefined): OutgoingHttpHeaders =>
  trace === undefined
    ? callHeaders
    : { ':status': 200, 'content-type': 'application/grpc', 'x-trace-id': trace.traceId };

export interface Ending {
  readonly status: number;
  readonly message: string;
  readonly error?: FlyballError;
}

export function toEnding(thrown: unknown): Ending {
  if (thrown instanceof GrpcFailure) return { status: thrown.status, message: thrown.message };
  const error = toFlyballError(thrown);
  return { status: error.grpc, message: error.message, error };
}

/** Trailers of a failed call: the status for every client, the catalogue's code and the wait for those who know them. */
export function failureHeaders(ending: Ending): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    'grpc-status': String(ending.status),
    'grpc-message': encodeMessage(ending.message),
  };
  if (ending.error !== undefined) {
    headers['flyball-code'] = ending.error.code;
    const after = ending.error.retryAfterSeconds;
    if (after !== undefined) {
      headers['retry-after'] = String(after);
      headers['grpc-retry-pushback-ms'] = String(after * 1000);
    }
  }
  return headers;
}

const text = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && header !== '' ? header : undefined;

/** A request's id and trace context are passed on; what is longer than any sane one is not. */
const idCharactersMax = 256;

export function requestIdOf(headers: IncomingHttpHeaders, make: (() => string) | undefined): string {
  const given = text(headers['x-request-id']);
  if (given !== undefined && given.length <= idCharactersMax) return given;
  return make === undefined ? randomUUID() : make();
}

/** Milliseconds that the caller gives the whole call; undefined without a deadline. */
export function callTimeoutMs(headers: IncomingHttpHeaders): number | undefined {
  const timeout = text(headers['grpc-timeout']);
  return timeout === undefined ? undefined : parseTimeout(timeout);
}

/** The request that a message under these headers means, with `callMs` left of the call's own deadline. */
export function toInferenceRequest(
  message: InferRequestMessage,
  { traceId, traceparent }: Trace,
  requestId: string,
  callMs: number | undefined,
): InferenceRequest {
  if (message.model === '') throw new FlyballError('INVALID_REQUEST', 'model_name: expected a name, got none');
  const { inputs, parameters, ...rest } = message;
  if (parameters !== undefined) refuseSequence(parameters);
  const deadlineMs = sooner(callMs, parameters);
  const priority = parameters === undefined ? undefined : wholeParameter(parameters, 'priority');
  return {
    ...rest,
    payload: { kind: 'tensors', inputs },
    ...(parameters === undefined ? undefined : { parameters }),
    ...(deadlineMs === undefined ? undefined : { deadlineMs }),
    ...(priority === undefined || priority === 0 ? undefined : { priority }),
    ...(traceparent === undefined ? undefined : { traceparent }),
    requestId,
    traceId,
  };
}

/** The call's deadline or the `timeout` parameter (microseconds; 0 is none), whichever comes first. */
function sooner(callMs: number | undefined, parameters: Parameters | undefined): number | undefined {
  const micros = parameters === undefined ? undefined : wholeParameter(parameters, 'timeout');
  if (micros === undefined || micros === 0) return callMs;
  return callMs === undefined ? micros / 1000 : Math.min(callMs, micros / 1000);
}

function wholeParameter(parameters: Parameters, name: string): number | undefined {
  const value = parameters[name];
  if (value === undefined) return undefined;
  const number = typeof value === 'boolean' || value === '' ? Number.NaN : Number(value);
  if (!Number.isInteger(number) || number < 0) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `parameter '${name}': expected a whole number of 0 or more, got ${JSON.stringify(String(value))}`,
    );
  }
  return number;
}
