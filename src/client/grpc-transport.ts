/**
 * The Open Inference Protocol over gRPC: one HTTP/2 connection, made when it is first needed and again when it is gone.
 * Loaded only by clients that use it, because it brings protobufjs with it.
 */
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import net from 'node:net';
import { catalogue, FlyballError, grpcStatus, type ErrorCode } from '../errors.ts';
import { decodeMessage, formatTimeout } from '../protocol/grpc/call.ts';
import { codecOf, definitions } from '../protocol/grpc/definitions.ts';
import { decompress, frame, GrpcFailure, openFrameReader, type Frame } from '../protocol/grpc/framing.ts';
import { decodeInferResponse, encodeInferRequest } from '../protocol/grpc/infer-messages.ts';
import type { Address } from './address.ts';
import { toMetadata, toRepository, toServerMetadata, toStatisticsList } from './documents.ts';
import {
  answered,
  AttemptFailure,
  broken,
  codeOfWords,
  wrongAnswer,
  type Attempt,
  type Transport,
} from './transport.ts';

export interface GrpcTransportOptions {
  readonly address: Address;
  readonly responseBytesMax: number;
  readonly tls: Readonly<Record<string, unknown>>;
}

interface Reply {
  readonly message: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

interface Connection {
  readonly session: ClientHttp2Session;
  calls: number;
  probing: boolean;
}

/** How long a connection under suspicion may take to answer a ping. */
const pingMs = 5000;

/** After a call in vain: a connection whose other side has silently gone would swallow every call to come. */
function probe(connection: Connection): void {
  const { session } = connection;
  if (connection.probing || session.destroyed) return;
  connection.probing = true;
  const timer = setTimeout(() => session.destroy(), pingMs).unref();
  session.ping(() => {
    clearTimeout(timer);
    connection.probing = false;
  });
}

/** The connection is shared, so a caller that gives up only stops to wait for it. */
function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

const windowBytes = 1 << 24;
const limits = { tensorElementsMax: Number.MAX_SAFE_INTEGER };

export function openGrpcTransport(options: GrpcTransportOptions): Transport {
  const { address } = options;
  const authority = `${address.secure ? 'https' : 'http'}://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
  let connection: Connection | undefined;
  let connecting: Promise<Connection> | undefined;

  const connect = (): Promise<Connection> => {
    // Not before it is made: who sends on one that fails cannot tell any more that nothing was sent.
    if (connecting === undefined && connection !== undefined && !connection.session.closed) {
      return Promise.resolve(connection);
    }
    connecting ??= open().finally(() => (connecting = undefined));
    return connecting;
  };
  const open = (): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const { socketPath } = address;
      const session = http2.connect(authority, {
        ...options.tls,
        settings: { initialWindowSize: windowBytes, enablePush: false },
        ...(socketPath === undefined ? undefined : { createConnection: () => net.connect(socketPath) }),
      });
      const opened: Connection = { session, calls: 0, probing: false };
      connection = opened;
      session.once('connect', () => {
        session.setLocalWindowSize(windowBytes);
        resolve(opened);
      });
      // An error after the connection was made reaches the calls through their streams.
      session.on('error', (error) => reject(broken(address.url, false, error)));
      session.once('close', () => {
        if (connection === opened) connection = undefined;
        reject(broken(address.url, false, new Error('the connection was closed')));
      });
    });

  const send = async (path: string, pieces: readonly Uint8Array[], attempt: Attempt): Promise<Reply> => {
    const on = await orAborted(connect(), attempt.signal);
    on.calls += 1;
    // A connection without calls does not keep the process alive.
    on.session.ref();
    try {
      return await exchange(on.session, path, pieces, attempt);
    } catch (error) {
      if (attempt.signal.aborted) probe(on);
      throw error;
    } finally {
      on.calls -= 1;
      if (on.calls === 0 && !on.session.destroyed) on.session.unref();
    }
  };

  const exchange = (
    on: ClientHttp2Session,
    path: string,
    pieces: readonly Uint8Array[],
    attempt: Attempt,
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      let stream: http2.ClientHttp2Stream;
      try {
        stream = on.request({
          ...attempt.headers,
          ':method': 'POST',
          ':path': `${address.prefix}${path}`,
          'content-type': 'application/grpc',
          te: 'trailers',
          'grpc-accept-encoding': 'identity',
          'grpc-timeout': formatTimeout(attempt.leftMs),
        });
      } catch (error) {
        // The connection went away between the look and the call.
        reject(broken(address.url, false, error));
        return;
      }
      const reader = openFrameReader(options.responseBytesMax);
      let headers: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders | undefined;
      let received: Frame | undefined;
      let problem: unknown;
      const abort = (): void => stream.close(http2.constants.NGHTTP2_CANCEL);
      if (attempt.signal.aborted) abort();
      else attempt.signal.addEventListener('abort', abort, { once: true });
      stream.on('response', (each) => {
        headers = each;
        if (each['grpc-status'] !== undefined) trailers = each;
      });
      stream.on('trailers', (each) => (trailers = each));
      stream.on('data', (chunk: Buffer) => {
        try {
          for (const each of reader.push(chunk)) received = each;
        } catch (error) {
          problem ??= error;
          abort();
        }
      });
      stream.on('error', (error) => (problem ??= error));
      stream.on('close', () => {
        attempt.signal.removeEventListener('abort', abort);
        if (trailers === undefined) {
          reject(withoutStatus(address.url, stream.rstCode, headers, problem));
        } else if (trailers['grpc-status'] !== '0') {
          reject(failure(trailers, path));
        } else if (received === undefined) {
          reject(wrongAnswer(address.url, `expected one message from ${path}, got none`));
        } else {
          decompress(received, headers['grpc-encoding'] as string | undefined, options.responseBytesMax).then(
            (message) => resolve({ message, trailers: trailers! }),
            (error: unknown) => reject(wrongAnswer(address.url, String(error), error)),
          );
        }
      });
      if (pieces.length > 1) stream.cork();
      for (const piece of pieces) stream.write(piece);
      stream.end();
      if (pieces.length > 1) stream.uncork();
    });

  const query = async (method: string, request: object, attempt: Attempt): Promise<Record<string, unknown>> => {
    const message = requestCodec(method).encode(request);
    const reply = await send(`/inference.GRPCInferenceService/${method}`, [frame(message)], attempt);
    try {
      return responseCodec(method).decode(reply.message);
    } catch (cause) {
      throw wrongAnswer(address.url, (cause as Error).message, cause);
    }
  };
  const named = (name: string | undefined, version: string | undefined): object => ({
    name: name ?? '',
    version: version ?? '',
  });

  return {
    live: async (attempt) => (await query('ServerLive', {}, attempt))['live'] === true,
    ready: async (attempt) => (await query('ServerReady', {}, attempt))['ready'] === true,
    modelReady: async (model, version, attempt) =>
      (await query('ModelReady', named(model, version), attempt))['ready'] === true,
    serverMetadata: async (attempt) => toServerMetadata(address.url, await query('ServerMetadata', {}, attempt)),
    modelMetadata: async (model, version, attempt) =>
      toMetadata(address.url, await query('ModelMetadata', named(model, version), attempt)),
    repositoryIndex: async (attempt) => toRepository(address.url, await query('RepositoryIndex', {}, attempt)),
    statistics: async (model, version, attempt) =>
      toStatisticsList(address.url, await query('ModelStatistics', named(model, version), attempt)),
    async infer(request, attempt) {
      const { message, trailers } = await send(
        '/inference.GRPCInferenceService/ModelInfer',
        encodeInferRequest(request),
        attempt,
      );
      try {
        const { version, ...answer } = decodeInferResponse(message, limits);
        const timing = trailers['server-timing'];
        return {
          ...answer,
          ...(version === '' ? undefined : { version }),
          ...(timing === undefined ? undefined : { serverTiming: String(timing) }),
        };
      } catch (cause) {
        throw wrongAnswer(address.url, (cause as Error).message, cause);
      }
    },
    close: () => connection?.session.destroy(),
  };
}

const requestCodec = (method: string) => codecOf<object>(definitions.inference, `${method}Request`);
const responseCodec = (method: string) => codecOf<Record<string, unknown>>(definitions.inference, `${method}Response`);

const codes: Readonly<Record<number, ErrorCode>> = {
  [grpcStatus.CANCELLED]: 'CANCELLED',
  [grpcStatus.INVALID_ARGUMENT]: 'INVALID_REQUEST',
  [grpcStatus.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [grpcStatus.NOT_FOUND]: 'MODEL_NOT_FOUND',
  [grpcStatus.PERMISSION_DENIED]: 'FORBIDDEN',
  [grpcStatus.RESOURCE_EXHAUSTED]: 'RATE_LIMITED',
  [grpcStatus.FAILED_PRECONDITION]: 'CONFLICT',
  [grpcStatus.UNIMPLEMENTED]: 'NOT_IMPLEMENTED',
  [grpcStatus.UNAVAILABLE]: 'OVERLOADED',
  [grpcStatus.UNAUTHENTICATED]: 'UNAUTHENTICATED',
};

function failure(trailers: IncomingHttpHeaders, path: string): AttemptFailure {
  const status = Number(trailers['grpc-status']);
  const said = decodeMessage(String(trailers['grpc-message'] ?? ''));
  const message = said === '' ? `${path} ended with grpc-status ${status}` : said;
  const after = Number(trailers['retry-after']);
  const own = trailers['flyball-code'];
  const code =
    typeof own === 'string' && Object.hasOwn(catalogue, own)
      ? (own as ErrorCode)
      : codeOfWords(codes[status] ?? 'INFERENCE_FAILED', message);
  return answered(code, message, Number.isNaN(after) ? undefined : after);
}

/** A stream that ended without a status: refused before it was looked at, broken, too large, or not gRPC at all. */
function withoutStatus(
  url: string,
  resetCode: number | undefined,
  headers: IncomingHttpHeaders,
  problem: unknown,
): AttemptFailure {
  if (problem instanceof GrpcFailure)
    return new AttemptFailure(new FlyballError('TOO_LARGE', problem.message), 'never');
  const status = Number(headers[':status'] ?? 200);
  if (status !== 200) return wrongAnswer(url, `expected gRPC, got HTTP status ${status}`);
  const refused = resetCode === http2.constants.NGHTTP2_REFUSED_STREAM;
  return broken(url, !refused, problem ?? new Error(`stream reset with code ${resetCode}`));
}
