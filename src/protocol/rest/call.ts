/**
 * One inference call over HTTP, whatever the path it came by: read the body, let the path's own parser make a request of
 * it, infer, answer, tell what happened. Invariant: each call ends in exactly one `flyball:request` event and at most one
 * answer; when the caller hangs up, the signal given to the service is aborted.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { Need } from '../../core/access/scopes.ts';
import { FlyballError, toFlyballError, type ErrorCode } from '../../errors.ts';
import type { ProcessLimits } from '../../supervisor/messages.ts';
import { publish, type EventMap } from '../../telemetry/events.ts';
import { HangUp } from '../hang-up.ts';
import type {
  InferenceRequest,
  InferenceResponse,
  InferenceService,
  InferenceTiming,
  Parameters,
  RequestHead,
} from '../inference.ts';
import { refuseSequence } from '../sequences.ts';
import { newTraceId, traceIdOf, validTraceparent } from '../trace-context.ts';
import { UnfinishedError } from '../unfinished.ts';
import type { V2Limits } from '../v2.ts';
import { readBody } from './body.ts';
import { deadlineOf, readHeaders, type RestHeaders } from './headers.ts';
import { sendError } from './reply.ts';

export interface RestContext {
  readonly service: InferenceService;
  readonly limits: ProcessLimits;
  readonly v2Limits: V2Limits;
  readonly clock: Clock;
  readonly by: string | undefined;
  /** Throws FORBIDDEN where the caller may not; asked before a body is read. Absent where callers need no key. */
  readonly require: ((need: Need) => void) | undefined;
}

/** What a path knows before the body is there. */
export interface Call {
  readonly context: RestContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: RestHeaders;
  readonly requestId: string;
  readonly traceId: string;
  readonly model: string;
  readonly version: string | undefined;
}

/** How one path reads its body and writes its answer; both may throw a FlyballError. */
export interface CallForm {
  readonly protocol: EventMap['flyball:request']['protocol'];
  /** What is certain of the request before its body is read; undefined where the body has to say it. */
  readonly head?: (call: Call) => Pick<RequestHead, 'payload' | 'final'> | undefined;
  parse(call: Call, body: Uint8Array): InferenceRequest;
  reply(call: Call, request: InferenceRequest, answer: InferenceResponse): void;
  /** Body of an error; the V2 protocol's by default. */
  readonly errorText?: (error: FlyballError) => string;
}

const idPrefix = randomBytes(6).toString('hex');
let idCount = 0;
/** Longer ones are replaced: an id is repeated in every log line. */
const requestIdLengthMax = 128;

/** The caller's id, or one that no other process makes: random at the start, counted from there. */
export function requestIdOf(headers: RestHeaders): string {
  const given = headers.requestId;
  if (given !== undefined && given !== '' && given.length <= requestIdLengthMax) return given;
  idCount++;
  return `${idPrefix}-${idCount.toString(36)}`;
}

function microseconds(parameters: Parameters | undefined): number | undefined {
  const value = parameters?.['timeout'];
  if (value === undefined) return undefined;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 0)) {
    throw new FlyballError('INVALID_REQUEST', `parameters.timeout: expected microseconds of at least 0, got ${value}`);
  }
  // 0 is how Triton's clients say that there is none.
  return number === 0 ? undefined : number;
}

function priorityOf(parameters: Parameters | undefined): number | undefined {
  const value = parameters?.['priority'];
  if (value === undefined) return undefined;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `parameters.priority: expected a whole number of at least 0, got ${value}`,
    );
  }
  // 0 is the default of the model, as Triton has it.
  return number === 0 ? undefined : number;
}

/** The request of a call, with what the headers and the parameters `timeout` and `priority` say. */
export function toInferenceRequest(
  call: Call,
  parts: Pick<InferenceRequest, 'payload' | 'id' | 'outputs' | 'parameters' | 'readableOnly'>,
): InferenceRequest {
  const { headers } = call;
  const { parameters } = parts;
  if (parameters !== undefined) refuseSequence(parameters);
  let deadlineMs = deadlineOf(headers);
  const timeoutUs = microseconds(parameters);
  if (timeoutUs !== undefined) deadlineMs = Math.min(deadlineMs ?? Infinity, timeoutUs / 1000);
  const priority = priorityOf(parameters);
  // Built field by field: spreads would cost more than the parsing of a small request.
  const request: { -readonly [Key in keyof InferenceRequest]: InferenceRequest[Key] } = {
    model: call.model,
    payload: parts.payload,
    requestId: call.requestId,
    traceId: call.traceId,
  };
  if (call.version !== undefined) request.version = call.version;
  if (parts.id !== undefined) request.id = parts.id;
  if (parts.outputs !== undefined) request.outputs = parts.outputs;
  if (parts.readableOnly === true) request.readableOnly = true;
  if (parameters !== undefined) request.parameters = parameters;
  if (deadlineMs !== undefined) request.deadlineMs = deadlineMs;
  if (priority !== undefined) request.priority = priority;
  if (headers.traceparent !== undefined) request.traceparent = headers.traceparent;
  return request;
}

/** A shorter body comes with its head, and is read sooner than it is weighed. */
const longBodyBytes = 16_384;

/** Refuses by the head alone, so that the bytes of an overload are not read only to be thrown away. */
function expect(call: Call, form: CallForm): (() => void) | undefined {
  const { contentLength } = call.headers;
  const { service } = call.context;
  if (service.expect === undefined) return undefined;
  if (contentLength !== undefined && Number(contentLength) < longBodyBytes) return undefined;
  const known = form.head?.(call);
  if (known === undefined) return undefined;
  const { model, version } = call;
  return service.expect({ ...known, model, version, deadlineMs: deadlineOf(call.headers) });
}

/** Errors of requests whose model may be a name that nobody serves. */
const namesNobody: ReadonlySet<ErrorCode> = new Set(['MODEL_NOT_FOUND', 'FORBIDDEN', 'RATE_LIMITED']);

function publishEnd(
  call: Call,
  form: CallForm,
  startedAt: number,
  answer: InferenceResponse | undefined,
  error: FlyballError | undefined,
): void {
  const timing = answer?.timing;
  const reached = timing ?? (error instanceof UnfinishedError ? error.timing : undefined);
  publish('flyball:request', {
    // A name that nobody serves would make a new series of every metric for each typing error.
    deployment: error !== undefined && namesNobody.has(error.code) ? '' : call.model,
    version: answer?.version ?? (error?.code === 'VERSION_NOT_FOUND' ? '' : (call.version ?? '')),
    protocol: form.protocol,
    outcome: error?.code ?? 'ok',
    queueMs: timing?.queueMs ?? 0,
    computeMs: timing?.computeMs ?? 0,
    totalMs: call.context.clock.now() - startedAt,
    requestId: call.requestId,
    traceId: call.traceId,
    ...(reached !== undefined && { timing: reached }),
    ...(reached?.arrivedAt !== undefined && { readMs: reached.arrivedAt - startedAt }),
    ...(call.context.by !== undefined && { by: call.context.by }),
    ...(call.headers.traceparent !== undefined && { traceparent: call.headers.traceparent }),
    ...(timing?.replica !== undefined && { replica: timing.replica }),
    ...(error !== undefined && { message: error.message }),
  });
  if (error?.code === 'INTERNAL') {
    publish('flyball:fault', { where: `rest ${call.requestId}`, message: error.message, error: error.cause });
  }
}

/** Only for who asks, by `Flyball-Timing: 1`: printing three numbers costs as much as parsing a tiny request. */
function serverTiming({ queueMs, computeMs, totalMs }: InferenceTiming): string {
  return `queue;dur=${queueMs.toFixed(3)}, compute;dur=${computeMs.toFixed(3)}, total;dur=${totalMs.toFixed(3)}`;
}

export function handleCall(
  context: RestContext,
  form: CallForm,
  request: IncomingMessage,
  response: ServerResponse,
  model: string,
  version: string | undefined,
): void {
  const startedAt = context.clock.now();
  const headers = readHeaders(request.rawHeaders);
  headers.traceparent = validTraceparent(headers.traceparent);
  const traceId = headers.traceparent === undefined ? newTraceId() : traceIdOf(headers.traceparent);
  const call: Call = { context, request, response, headers, requestId: requestIdOf(headers), traceId, model, version };
  const hangUp = new HangUp();
  let ended = false;
  let arrived: (() => void) | undefined;
  const end = (answer: InferenceResponse | undefined, thrown?: unknown): void => {
    if (ended) return;
    ended = true;
    arrived?.();
    let error = thrown === undefined ? undefined : toFlyballError(thrown);
    if (error !== undefined) sendError(response, error, call, undefined, form.errorText?.(error));
    else if (hangUp.aborted) error = new FlyballError('CANCELLED', 'the caller hung up');
    publishEnd(call, form, startedAt, answer, error);
  };
  response.on('close', () => {
    if (response.writableEnded || ended) return;
    const gone = new FlyballError('CANCELLED', 'the caller hung up');
    hangUp.abort();
    end(undefined, gone);
  });
  try {
    context.require?.({ anyOf: ['infer'], deployment: model });
    arrived = expect(call, form);
  } catch (thrown) {
    return end(undefined, thrown);
  }
  let parsed: InferenceRequest;
  const refused = (error: unknown): void => end(undefined, error);
  const answered = (answer: InferenceResponse): void => {
    if (ended) return;
    try {
      if (headers.timing === '1') response.setHeader('Server-Timing', serverTiming(answer.timing));
      form.reply(call, parsed, answer);
      end(answer);
    } catch (error) {
      refused(error);
    }
  };
  readBody(request, headers, context.limits.bodyBytesMax, (failed, body) => {
    if (ended) return;
    if (failed !== undefined) {
      end(undefined, failed);
      return;
    }
    let answering: Promise<InferenceResponse>;
    try {
      parsed = form.parse(call, body);
      arrived?.();
      answering = context.service.infer(parsed, hangUp);
    } catch (error) {
      end(undefined, error);
      return;
    }
    answering.then(answered, refused);
  });
}
