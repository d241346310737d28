/**
 * An inference for a caller of the control API: passed through the door of a gateway, where it meets the same admission
 * and queue as every other, and told with where its time went. What the gateway says is passed on as it is.
 */
import http from 'node:http';
import { join } from 'node:path';
import { playgroundBytesMax, type PlaygroundTiming } from '../api/playground-schemas.ts';
import { catalogue, FlyballError, type ErrorCode } from '../errors.ts';
import { callerHeader, doorFile } from '../protocol/local-door.ts';
import { newSpanId, newTraceId } from '../protocol/trace-context.ts';
import type { RequestSpan } from '../telemetry/spans/span.ts';
import type { Deployments } from './deployments.ts';
import type { GatewayChannel } from './gateway-channel.ts';

export interface PlaygroundRequest {
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
  /** Flyball-Deadline-Ms as it came. */
  readonly deadlineMs: string | undefined;
  /** Name of the caller's key. */
  readonly by: string | undefined;
}

export interface Played {
  readonly traceId: string;
  readonly timing: PlaygroundTiming | null;
  readonly outcome:
    | { readonly kind: 'answered'; readonly status: number; readonly body: unknown }
    | { readonly kind: 'failed'; readonly error: FlyballError };
}

export interface PlaygroundParts {
  readonly channel: Pick<GatewayChannel, 'gateways' | 'spans'>;
  readonly deployments: Pick<Deployments, 'get'>;
  readonly runDirectory: string;
}

/** At the same time: each holds its body and its answer. */
const playedMax = 32;
const retryAfterSeconds = 1;

export function openPlayground({ channel, deployments, runDirectory }: PlaygroundParts) {
  let playing = 0;
  let turn = 0;

  /** Each in turn, as the operating system would spread connections. */
  function doorOf(): string {
    // Their doors are Unix sockets.
    const gateways = channel.gateways().filter(({ node }) => node === undefined);
    turn += 1;
    const gateway = gateways[turn % gateways.length];
    if (gateway === undefined)
      throw new FlyballError('UNREACHABLE', 'no gateway of this machine is connected to control', {
        retryAfterSeconds,
      });
    return join(runDirectory, doorFile(gateway.worker));
  }

  return {
    /** DEPLOYMENT_NOT_FOUND, OVERLOADED, UNREACHABLE; whatever the inference fails with is an outcome. */
    async infer(name: string, request: PlaygroundRequest, signal: AbortSignal): Promise<Played> {
      deployments.get(name);
      if (playing >= playedMax) {
        const why = `expected fewer than ${playedMax} requests through the control API at once`;
        throw new FlyballError('OVERLOADED', why, { retryAfterSeconds });
      }
      playing += 1;
      try {
        const traceId = newTraceId();
        const answer = await send(doorOf(), name, request, traceId, signal);
        const { spans } = await channel.spans({ traceId, limit: 1 });
        return { traceId, timing: toTiming(spans[0]), outcome: toOutcome(answer) };
      } finally {
        playing -= 1;
      }
    },
  };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly text: string;
}

const isJson = (contentType: string | undefined): boolean =>
  /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType ?? '');

function send(
  socketPath: string,
  name: string,
  { body, contentType, deadlineMs, by }: PlaygroundRequest,
  traceId: string,
  signal: AbortSignal,
): Promise<Answer> {
  const model = encodeURIComponent(name);
  // JSON is the V2 protocol's; what else a model takes (a picture, a text, raw bytes) goes the way of TorchServe's.
  const path = isJson(contentType) ? `/v2/models/${model}/infer` : `/predictions/${model}`;
  return new Promise((resolve, reject) => {
    const request = http.request({
      socketPath,
      path,
      method: 'POST',
      agent: false,
      signal,
      headers: {
        host: 'localhost',
        'content-length': body.byteLength,
        ...(contentType !== undefined && { 'content-type': contentType }),
        ...(deadlineMs !== undefined && { 'flyball-deadline-ms': deadlineMs }),
        ...(by !== undefined && { [callerHeader]: encodeURIComponent(by) }),
        // Recorded: its timing is asked for right after its answer.
        traceparent: `00-${traceId}-${newSpanId()}-01`,
      },
    });
    const fail = (error: Error): void =>
      reject(
        signal.aborted || error instanceof FlyballError
          ? error
          : new FlyballError('UNREACHABLE', `the gateway could not be asked: ${error.message}`, {
              cause: error,
              retryAfterSeconds,
            }),
      );
    request.on('error', fail);
    request.on('response', (response) => void readAnswer(response).then(resolve, fail));
    request.end(body);
  });
}

async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > playgroundBytesMax) {
      const why = `expected an answer of at most ${playgroundBytesMax} bytes here, got more: ask the gateway itself`;
      throw new FlyballError('TOO_LARGE', why);
    }
    chunks.push(chunk);
  }
  const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
  return {
    status: response.statusCode ?? 0,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

function toOutcome({ status, retryAfter, text }: Answer): Played['outcome'] {
  const body = toValue(text);
  if (status < 400) return { kind: 'answered', status, body };
  // The V2 protocol's form, or TorchServe's.
  const { error, code, message, reason } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const known = [code, reason].find((each) => typeof each === 'string' && Object.hasOwn(catalogue, each));
  const details = retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter };
  const words = [error, message].find((each) => typeof each === 'string') ?? text;
  return { kind: 'failed', error: new FlyballError((known ?? 'PROTOCOL') as ErrorCode, words, details) };
}

/** Numbers that JSON has no form for make an answer that is none: it is passed on as text. */
function toValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function toTiming(span: RequestSpan | undefined): PlaygroundTiming | null {
  if (span === undefined) return null;
  const { traceId, totalMs, queueMs, callMs = null, computeMs = null, batch, replica = null, version } = span;
  return {
    traceId,
    totalMs,
    queueMs,
    callMs,
    computeMs,
    batchRows: batch?.rows ?? null,
    batchRequests: batch?.requests ?? null,
    replica,
    version,
  };
}
