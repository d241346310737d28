/**
 * The inference methods: one message in, one answer out, on their own or many on one stream. Publishes one
 * `flyball:request` event for each, whatever its end.
 */
import type { IncomingHttpHeaders } from 'node:http2';
import { grpcStatus, toFlyballError, type ErrorCode } from '../../errors.ts';
import { publish } from '../../telemetry/events.ts';
import type { HangUpSignal } from '../hang-up.ts';
import type { InferenceRequest, InferenceResponse, InferenceService } from '../inference.ts';
import { callTimeoutMs, openTrace, requestIdOf, toEnding, toInferenceRequest, type Trace } from './call.ts';
import { GrpcFailure } from './framing.ts';
import { decodeInferRequest, encodeInferResponse, peekId } from './infer-messages.ts';
import type { InferMessageLimits } from './infer-tensors.ts';
import type { StreamingMethod } from './streaming.ts';
import { UnfinishedError } from '../unfinished.ts';
import { Writer } from './wire.ts';

export interface InferenceMethods {
  /** Answers one ModelInfer; the result is the pieces of one frame. */
  readonly infer: (
    message: Buffer,
    headers: IncomingHttpHeaders,
    signal: HangUpSignal,
    trace: Trace,
  ) => Promise<Buffer[]>;
  readonly stream: StreamingMethod;
}

export interface InferenceMethodOptions extends InferMessageLimits {
  readonly messageBytesMax: number;
  readonly streamRequestsMax: number;
  readonly requestId: (() => string) | undefined;
  /** Whose calls these are, where callers have keys. */
  readonly by?: string | undefined;
  /** What messages on a stream are inferred by; default: the service. */
  readonly streamed?: InferenceService;
}

/** Errors of requests whose model may be a name that nobody serves. */
const namesNobody: ReadonlySet<ErrorCode> = new Set(['MODEL_NOT_FOUND', 'FORBIDDEN', 'RATE_LIMITED']);
const notServed: ReadonlySet<ErrorCode> = new Set(['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND']);

/** Field of ModelStreamInferResponse that wraps the answer. */
const inferResponseField = 2;

export function inferenceMethods(service: InferenceService, options: InferenceMethodOptions): InferenceMethods {
  const { by, streamed = service } = options;
  const whose = by === undefined ? undefined : { by };
  const answer = async (
    message: Buffer,
    trace: Trace,
    requestId: string,
    callMs: number | undefined,
    within: number | undefined,
    signal: HangUpSignal,
  ): Promise<Buffer[]> => {
    const startedAt = performance.now();
    let request: InferenceRequest | undefined;
    try {
      request = toInferenceRequest(decodeInferRequest(message, options), trace, requestId, callMs);
      const response = await (within === undefined ? service : streamed).infer(request, signal);
      const typed = request.parameters?.['typed_output'] === true;
      const pieces = encodeInferResponse(within === undefined ? response : asLast(response, request), typed, within);
      const { timing } = response;
      const { queueMs, computeMs, replica, arrivedAt } = timing;
      publish('flyball:request', {
        deployment: request.model,
        version: response.version,
        protocol: 'grpc',
        outcome: 'ok',
        queueMs,
        computeMs,
        totalMs: performance.now() - startedAt,
        requestId,
        traceId: trace.traceId,
        timing,
        ...(arrivedAt === undefined ? undefined : { readMs: arrivedAt - startedAt }),
        ...whose,
        ...(request.traceparent === undefined ? undefined : { traceparent: request.traceparent }),
        ...(replica === undefined ? undefined : { replica }),
      });
      return pieces;
    } catch (thrown) {
      const error = toFlyballError(thrown);
      const timing = error instanceof UnfinishedError ? error.timing : undefined;
      publish('flyball:request', {
        // A name that nobody serves would make a new series of every metric for each typing error.
        deployment: namesNobody.has(error.code) ? '' : (request?.model ?? ''),
        version: notServed.has(error.code) ? '' : (request?.version ?? ''),
        protocol: 'grpc',
        outcome: signal.aborted ? 'CANCELLED' : error.code,
        queueMs: 0,
        computeMs: 0,
        totalMs: performance.now() - startedAt,
        requestId,
        traceId: trace.traceId,
        ...(timing === undefined ? undefined : { timing, readMs: timing.arrivedAt - startedAt }),
        ...whose,
        ...(trace.traceparent === undefined ? undefined : { traceparent: trace.traceparent }),
        message: error.message,
      });
      if (error.code === 'INTERNAL') {
        publish('flyball:fault', { where: `grpc ${requestId}`, message: error.message, error: error.cause });
      }
      if (within === undefined) throw error;
      throw new StreamedFailure(request?.id ?? peekId(message), error);
    }
  };

  return {
    infer: (message, headers, signal, trace) =>
      answer(message, trace, requestIdOf(headers, options.requestId), callTimeoutMs(headers), undefined, signal),

    stream: {
      messageBytesMax: options.messageBytesMax,
      traced: true,
      open(call) {
        const trace = call.trace ?? openTrace(call.headers);
        const openedAt = performance.now();
        const wholeMs = callTimeoutMs(call.headers);
        let active = 0;
        let free: (() => void) | undefined;
        let replied: Promise<void> = Promise.resolve();
        const reply = async (before: Promise<void>, pieces: Promise<Buffer[]>): Promise<void> => {
          const ready = await pieces.catch((thrown: unknown) => streamedFailure(thrown));
          await before;
          await call.send(ready);
          active -= 1;
          free?.();
          free = undefined;
        };
        const stop = (): void => {
          const draining = new GrpcFailure(grpcStatus.UNAVAILABLE, 'the server is shutting down');
          void replied.then(() => call.end(toEnding(draining)));
        };
        call.draining.addEventListener('abort', stop, { once: true, signal: call.signal });
        return {
          message(bytes) {
            active += 1;
            const left = wholeMs === undefined ? undefined : wholeMs - (performance.now() - openedAt);
            const requestId = requestIdOf(call.headers, options.requestId);
            replied = reply(replied, answer(bytes, trace, requestId, left, inferResponseField, call.signal));
            if (active < options.streamRequestsMax) return undefined;
            return new Promise((resolve) => {
              free = resolve;
            });
          },
          end: () => replied,
        };
      },
    },
  };
}

/** Who streams may ask to be told which reply to a request is the last; here each is. */
function asLast(response: InferenceResponse, { parameters }: InferenceRequest): InferenceResponse {
  if (parameters?.['triton_enable_empty_final_response'] !== true) return response;
  return { ...response, parameters: { ...response.parameters, triton_final_response: true } };
}

/** Carries the caller's id beside the error, so that the error on the stream can be told from its neighbours'. */
class StreamedFailure extends Error {
  readonly id: string;
  constructor(id: string, cause: Error) {
    super(cause.message, { cause });
    this.id = id;
  }
}

function streamedFailure(thrown: unknown): Buffer[] {
  const writer = new Writer();
  writer.string(1, toEnding(thrown).message);
  if (thrown instanceof StreamedFailure && thrown.id !== '') {
    const mark = writer.begin(inferResponseField);
    writer.string(3, thrown.id);
    writer.end(mark);
  }
  return writer.frame();
}
