/**
 * What load is put on: a way to send one request and learn how it ended. The generators know no more than this, so
 * REST, gRPC and a test's fake are the same to them.
 */
import type { ConnectionOptions } from 'node:tls';
import { openClient, type ClientOptions } from '../client/client.ts';
import { FlyballError } from '../errors.ts';
import type { Tensor } from '../protocol/tensor.ts';
import { httpConnection, type HttpConnection } from './http-connection.ts';
import type { HttpRequest } from './payload.ts';

export type Outcome =
  | { readonly kind: 'ok' }
  /** `code` is `HTTP 503`, a code of the error catalogue, or the socket's own. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export interface Target extends AsyncDisposable {
  /** Requests that may be in flight at once. */
  readonly slots: number;
  /** Never rejects. Not called for more than `slots` at once. */
  send(): Promise<Outcome>;
}

const messageLengthMax = 500;
const ok: Outcome = { kind: 'ok' };

export function restTarget(url: URL, request: HttpRequest, slots: number, tls: ConnectionOptions = {}): Target {
  const secure = url.protocol === 'https:';
  const address = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port === '' ? (secure ? 443 : 80) : url.port),
    tls: secure ? tls : undefined,
  };
  const bytes = requestBytes(url, request);
  const free: HttpConnection[] = [];
  const all: HttpConnection[] = [];
  return {
    slots,
    async send() {
      // The connection used last is taken first: few stay busy, the others stay closed.
      let connection = free.pop();
      if (connection === undefined) {
        connection = httpConnection(address);
        all.push(connection);
      }
      try {
        const answer = await connection.exchange(bytes);
        if (answer.status >= 200 && answer.status < 300) return ok;
        return { kind: 'failed', code: `HTTP ${answer.status}`, message: wordsOf(answer.text) };
      } catch (error) {
        return failure(error);
      } finally {
        free.push(connection);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const connection of all) connection.close();
    },
  };
}

/** `{"error": "…", "code": "…"}` as a sentence; whatever else came, as it came. */
function wordsOf(text: string): string {
  const shown = text.slice(0, messageLengthMax);
  try {
    const { error, code } = JSON.parse(text) as { readonly error?: unknown; readonly code?: unknown };
    if (typeof error !== 'string') return shown;
    return typeof code === 'string' ? `${error} (${code})` : error;
  } catch {
    return shown;
  }
}

export function requestBytes(url: URL, request: HttpRequest): Uint8Array {
  const headers = Object.entries({
    host: url.host,
    'user-agent': 'flyball-load',
    accept: '*/*',
    'content-length': String(request.body.length),
    ...request.headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${request.method} ${request.path} HTTP/1.1\r\n${headers.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), request.body]);
}

export interface GrpcOrder {
  readonly url: string;
  readonly model: string;
  readonly inputs: readonly Tensor[];
  readonly slots: number;
  readonly apiKey?: string | undefined;
  readonly tls?: ClientOptions['tls'] | undefined;
}

export function grpcTarget({ url, model, inputs, slots, apiKey, tls = {} }: GrpcOrder): Target {
  const client = openClient({ url, transport: 'grpc', retries: 0, tls, ...(apiKey === undefined ? {} : { apiKey }) });
  return {
    slots,
    async send() {
      try {
        await client.infer({ model, inputs });
        return ok;
      } catch (error) {
        return failure(error);
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function failure(error: unknown): Outcome {
  if (error instanceof FlyballError) return { kind: 'failed', code: error.code, message: error.message };
  const { code, message } = error as NodeJS.ErrnoException;
  return { kind: 'failed', code: code ?? 'CONNECTION', message };
}
