/** An HTTP server that takes lines, for tests: keeps each request with its body unpacked, and answers as it is told. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface LineReceiver extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly Received[];
  /** What the next ones are answered; by default 204. */
  answer: (request: Received, response: http.ServerResponse) => void;
}

export async function startLineReceiver(): Promise<LineReceiver> {
  const requests: Received[] = [];
  const receiver = { answer: (_: Received, response: http.ServerResponse): void => void response.writeHead(204).end() };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://receiver');
      const raw = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const received = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: body.toString('utf8'),
      };
      requests.push(received);
      receiver.answer(received, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  });
}
