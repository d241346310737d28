/** A receiver of POSTs that behaves as it is told, on a real socket: for tests of whoever sends. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Behaviour } from './conformance/notifier.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpReceiver extends AsyncDisposable {
  readonly url: string;
  /** Of its address. */
  readonly secret: string;
  readonly received: string[];
  readonly headers: http.IncomingHttpHeaders[];
  readonly paths: string[];
  behave(as: Behaviour): void;
  /** To the next requests, in turn, before it behaves as usual. */
  readonly answers: Answer[];
}

/** `taken`: what it answers to what it takes. */
export async function httpReceiver(taken: Answer): Promise<HttpReceiver> {
  const received: string[] = [];
  const headers: http.IncomingHttpHeaders[] = [];
  const paths: string[] = [];
  const answers: Answer[] = [];
  let behaviour: Behaviour = 'takes';
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      received.push(Buffer.concat(chunks).toString());
      headers.push(request.headers);
      paths.push(request.url ?? '');
      const { status, headers: own = {}, body } = answers.shift() ?? answerOf(behaviour, taken);
      if (status === 0) return;
      if (status < 0) {
        response.socket?.end(status === -1 ? '\u0000\u0001 no HTTP at all\r\n\r\n' : '');
        return;
      }
      response.writeHead(status, own);
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const secret = 'T000-secret-path';
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/${secret}`,
    secret,
    received,
    headers,
    paths,
    answers,
    behave: (as) => void (behaviour = as),
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

function answerOf(behaviour: Behaviour, taken: Answer): Answer {
  switch (behaviour) {
    case 'takes':
      return taken;
    case 'busy':
      return { status: 429, headers: { 'retry-after': '7' }, body: 'rate_limited' };
    case 'broken':
      return { status: 503, body: '<html><h1>\u0007no\r\n healthy upstream</h1></html>' };
    case 'refuses':
      return { status: 400, body: 'invalid_payload' };
    case 'hangs':
      return { status: 0 };
    case 'garbage':
      return { status: -1 };
    case 'breaks off':
      return { status: -2 };
    default:
      return behaviour satisfies never;
  }
}
