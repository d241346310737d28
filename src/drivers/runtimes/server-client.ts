/**
 * HTTP to a server of somebody else: one request, one answer, each with a limit of time and size. What became of it is
 * returned, never thrown: a server that is gone, late or no HTTP at all is expected here.
 * Invariant: an exchange is over when its promise is; nothing goes on in the background, and no socket stays in use.
 */
import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../../clock.ts';

export interface ServerRequest {
  readonly method: 'GET' | 'POST';
  /** Below the server's address. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly (Uint8Array | string)[];
}

export interface ServerReply {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Exchange =
  | ServerReply
  /** There was no whole answer: nobody listens, or the connection went. */
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'late'; readonly reason: string }
  /** What came is no HTTP, or more than the limit. */
  | { readonly kind: 'garbage'; readonly reason: string };

export interface ServerClient extends Disposable {
  readonly address: string;
  exchange(request: ServerRequest, withinMs: number): Promise<Exchange>;
}

/** As much as a frame of the runner carries. */
const answerBytesMax = 1 << 30;

export function openServerClient(address: string, clock: Clock): ServerClient {
  const url = new URL(address);
  const prefix = url.pathname.replace(/\/+$/, '');
  const { Agent, request: ask } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 2 });

  function once({ method, path, headers = {}, body = [] }: ServerRequest, withinMs: number): Promise<Attempt> {
    const { promise, resolve } = Promise.withResolvers<Attempt>();
    let byteLength = 0;
    for (const part of body) byteLength += Buffer.byteLength(part);
    const asked = ask({
      agent,
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: prefix + path,
      method,
      headers: method === 'POST' ? { ...headers, 'Content-Length': byteLength } : headers,
    });
    let began = false;
    const settle = (exchange: Exchange): void => {
      cancel();
      resolve({ exchange, unanswered: exchange.kind === 'lost' && asked.reusedSocket && !began });
      // A whole answer gives its socket back; anything else leaves a request on it that nobody reads the answer of.
      if (exchange.kind !== 'answered') asked.destroy();
    };
    const cancel = clock.after(withinMs, () => settle({ kind: 'late', reason: `no answer within ${withinMs} ms` }));
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === undefined ? error.message : `${error.code} ${error.message}`;
      settle({ kind: error.code?.startsWith('HPE_') === true ? 'garbage' : 'lost', reason });
    });
    asked.on('response', (response) => {
      began = true;
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.byteLength;
        if (length > answerBytesMax) settle({ kind: 'garbage', reason: `more than ${answerBytesMax} bytes` });
        else chunks.push(chunk);
      });
      response.on('end', () =>
        settle({
          kind: 'answered',
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
        }),
      );
      response.on('error', (error) => {
        settle({ kind: 'lost', reason: `the connection was closed in the middle of the answer (${error.message})` });
      });
    });
    for (const part of body) asked.write(part);
    asked.end();
    return promise;
  }

  return {
    address,
    async exchange(request, withinMs) {
      const { exchange, unanswered } = await once(request, withinMs);
      // The server closed an idle connection just as we took it up again: it has not seen the request.
      return unanswered ? (await once(request, withinMs)).exchange : exchange;
    },
    [Symbol.dispose]() {
      agent.destroy();
    },
  };
}

interface Attempt {
  readonly exchange: Exchange;
  readonly unanswered: boolean;
}
