/**
 * The Open Inference Protocol over HTTP, on node:http with kept connections: it knows when a connection was made, which
 * is what decides whether another attempt is safe. JSON or binary tensors; whether a server takes binary ones is asked
 * once, unless the caller says.
 */
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { catalogue, FlyballError, type ErrorCode } from '../errors.ts';
import { encodeInferRequest, parseInferResponse, type V2Limits } from '../protocol/v2.ts';
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

export interface HttpTransportOptions {
  readonly address: Address;
  /** Undefined: asked of the server. */
  readonly encoding: 'json' | 'binary' | undefined;
  readonly responseBytesMax: number;
  readonly connectionsMax: number;
  readonly tls: Readonly<Record<string, unknown>>;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Payload {
  readonly pieces: readonly Uint8Array[];
  readonly byteLength: number;
  readonly headers: Readonly<Record<string, string | number>>;
}

const responseLimits: V2Limits = { jsonDepthMax: 512, tensorElementsMax: Number.MAX_SAFE_INTEGER };

export function openHttpTransport(options: HttpTransportOptions): Transport {
  const { address } = options;
  const library = address.secure ? https : http;
  const agent = new library.Agent({ keepAlive: true, maxSockets: options.connectionsMax, ...options.tls });
  const base: http.RequestOptions = {
    agent,
    host: address.host,
    port: address.port,
    ...(address.socketPath === undefined ? undefined : { socketPath: address.socketPath }),
  };

  const send = (method: string, path: string, attempt: Attempt, payload?: Payload): Promise<Reply> =>
    new Promise((resolve, reject) => {
      let sent = false;
      const request = library.request({
        ...base,
        method,
        path: address.prefix + path,
        headers: {
          ...attempt.headers,
          ...payload?.headers,
          'Content-Length': payload?.byteLength ?? 0,
          'Flyball-Deadline-Ms': Math.max(1, Math.floor(attempt.leftMs)),
        },
      });
      const abort = (): void => void request.destroy(new Error('aborted'));
      const settle = (act: () => void): void => {
        attempt.signal.removeEventListener('abort', abort);
        act();
      };
      if (attempt.signal.aborted) abort();
      else attempt.signal.addEventListener('abort', abort, { once: true });
      request.once('socket', (socket: Socket) => {
        // Once connected, bytes may have left at any moment; before, none can have.
        if (!socket.connecting) sent = true;
        else socket.once(address.secure ? 'secureConnect' : 'connect', () => (sent = true));
      });
      request.once('error', (error) => settle(() => reject(broken(address.url, sent, error))));
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes <= options.responseBytesMax) return;
          settle(() => reject(tooLarge(address.url, options.responseBytesMax)));
          request.destroy();
        });
        response.once('error', (error) => settle(() => reject(broken(address.url, true, error))));
        response.once('end', () =>
          settle(() =>
            resolve({
              status: response.statusCode!,
              headers: response.headers,
              body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes),
            }),
          ),
        );
      });
      for (const piece of payload?.pieces ?? []) request.write(piece);
      request.end();
    });

  const document = async (path: string, attempt: Attempt): Promise<unknown> => {
    const reply = await send('GET', path, attempt);
    return toDocument(address.url, path, reply);
  };

  /** Readiness is the status; where a body says otherwise, it is believed. */
  const asked = async (path: string, key: string, attempt: Attempt): Promise<boolean> => {
    const reply = await send('GET', path, attempt);
    // MLServer says 400 of a model that is not ready.
    if (reply.status === 503 || reply.status === 400) return false;
    if (reply.status !== 200) throw failure(address.url, path, reply);
    try {
      const body = JSON.parse(reply.body.toString()) as Record<string, unknown> | null;
      return body?.[key] !== false;
    } catch {
      // Triton's body is empty.
      return true;
    }
  };

  let binary: Promise<boolean> | undefined;
  const takesBinary = (attempt: Attempt): Promise<boolean> => {
    if (options.encoding !== undefined) return Promise.resolve(options.encoding === 'binary');
    binary ??= document('/v2', attempt)
      .then((body) =>
        toServerMetadata(address.url, body).extensions.some((name) => name.startsWith('binary_tensor_data')),
      )
      .catch((error: unknown) => {
        binary = undefined;
        // A server without the document speaks the plain protocol; one that cannot be asked is another matter.
        if (error instanceof AttemptFailure && error.repeat === 'never') return false;
        throw error;
      });
    return binary;
  };

  return {
    live: (attempt) => asked('/v2/health/live', 'live', attempt),
    ready: (attempt) => asked('/v2/health/ready', 'ready', attempt),
    modelReady: (model, version, attempt) => asked(`${modelPath(model, version)}/ready`, 'ready', attempt),
    async serverMetadata(attempt) {
      return toServerMetadata(address.url, await document('/v2', attempt));
    },
    async modelMetadata(model, version, attempt) {
      return toMetadata(address.url, await document(modelPath(model, version), attempt));
    },
    async repositoryIndex(attempt) {
      const path = '/v2/repository/index';
      const body = Buffer.from('{}');
      const headers = { 'Content-Type': 'application/json' };
      const reply = await send('POST', path, attempt, { pieces: [body], byteLength: body.length, headers });
      return toRepository(address.url, toDocument(address.url, path, reply));
    },
    async statistics(model, version, attempt) {
      const path = model === undefined ? '/v2/models/stats' : `${modelPath(model, version)}/stats`;
      return toStatisticsList(address.url, await document(path, attempt));
    },
    async infer(request, attempt) {
      const { model, version, ...message } = request;
      const encoded = encodeInferRequest(message, await takesBinary(attempt));
      const path = `${modelPath(model, version)}/infer`;
      const headers: Record<string, string | number> = { 'Content-Type': encoded.contentType, 'Flyball-Timing': '1' };
      if (encoded.headerLength !== undefined) headers['Inference-Header-Content-Length'] = encoded.headerLength;
      const reply = await send('POST', path, attempt, {
        pieces: toPieces(encoded.json, encoded.binary),
        byteLength: encoded.byteLength,
        headers,
      });
      if (reply.status !== 200) throw failure(address.url, path, reply);
      const split = reply.headers['inference-header-content-length'];
      const answer = parse(address.url, () =>
        parseInferResponse(reply.body, split === undefined ? undefined : Number(split), responseLimits),
      );
      const timing = reply.headers['server-timing'];
      return timing === undefined ? answer : { ...answer, serverTiming: String(timing) };
    },
    close: () => agent.destroy(),
  };
}

const copyBytesMax = 65_536;

/** Small bodies as one write; the tensors of large ones as they are. */
function toPieces(json: string, binary: readonly Uint8Array[]): Uint8Array[] {
  const head = Buffer.from(json);
  const pieces = [head, ...binary];
  let bytes = 0;
  for (const piece of pieces) bytes += piece.byteLength;
  return bytes <= copyBytesMax ? [Buffer.concat(pieces, bytes)] : pieces;
}

function modelPath(model: string, version: string | undefined): string {
  const path = `/v2/models/${encodeURIComponent(model)}`;
  return version === undefined ? path : `${path}/versions/${encodeURIComponent(version)}`;
}

function parse<Result>(url: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw wrongAnswer(url, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function toDocument(url: string, path: string, reply: Reply): unknown {
  if (reply.status !== 200) throw failure(url, path, reply);
  return parse(url, () => JSON.parse(reply.body.toString()) as unknown);
}

function tooLarge(url: string, max: number): AttemptFailure {
  const message = `expected an answer of at most ${max} bytes (responseBytesMax) from ${url}, got more`;
  return new AttemptFailure(new FlyballError('TOO_LARGE', message), 'never');
}

const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  405: 'METHOD_NOT_ALLOWED',
  408: 'DEADLINE_EXCEEDED',
  409: 'CONFLICT',
  413: 'TOO_LARGE',
  415: 'UNSUPPORTED_CONTENT',
  422: 'INVALID_REQUEST',
  429: 'RATE_LIMITED',
  499: 'CANCELLED',
  501: 'NOT_IMPLEMENTED',
  502: 'REPLICA_FAILED',
  503: 'OVERLOADED',
  504: 'DEADLINE_EXCEEDED',
};

function failure(url: string, path: string, { status, headers, body }: Reply): AttemptFailure {
  const { message, code } = readError(body.toString());
  const after = Number(headers['retry-after']);
  const text = message ?? `${url}${path} answered ${status}`;
  if (code !== undefined) return answered(code, text, Number.isNaN(after) ? undefined : after);
  if (status < 400) return wrongAnswer(url, `expected 200 for ${path}, got ${status}`);
  const known =
    codes[status] ?? (status === 404 ? notFound(path) : status < 500 ? 'INVALID_REQUEST' : 'INFERENCE_FAILED');
  return answered(codeOfWords(known, text), text, Number.isNaN(after) ? undefined : after);
}

const notFound = (path: string): ErrorCode =>
  path.includes('/versions/') ? 'VERSION_NOT_FOUND' : path.startsWith('/v2/models/') ? 'MODEL_NOT_FOUND' : 'NOT_FOUND';

/** `{error, code}` of Flyball, `{error}` of Triton, MLServer and KServe, `{detail}` of what stands on FastAPI. */
function readError(body: string): { message?: string; code?: ErrorCode } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return body === '' ? {} : { message: body.slice(0, 1000) };
  }
  if (typeof parsed !== 'object' || parsed === null) return { message: body.slice(0, 1000) };
  const { error, detail, code } = parsed as Record<string, unknown>;
  const said = error ?? detail;
  return {
    message: typeof said === 'string' ? said : body.slice(0, 1000),
    ...(typeof code === 'string' && Object.hasOwn(catalogue, code) ? { code: code as ErrorCode } : undefined),
  };
}
