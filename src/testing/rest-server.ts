/** For tests: the handler behind a real node:http server on loopback, and a client that sends bytes as they are. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ProcessLimits } from '../supervisor/messages.ts';
import type { InferenceService } from '../protocol/inference.ts';
import { restHandler } from '../protocol/rest/server.ts';

export interface RawReply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RestServer extends AsyncDisposable {
  readonly port: number;
  send(method: string, path: string, body?: string | Uint8Array, headers?: http.OutgoingHttpHeaders): Promise<RawReply>;
}

export const testLimits: ProcessLimits = {
  bodyBytesMax: 1_000_000,
  headerBytesMax: 16_384,
  tensorElementsMax: 100_000,
  jsonDepthMax: 512,
  connectionsMax: 100,
  requestTimeoutMs: 10_000,
};

export async function startRest(service: InferenceService, limits: Partial<ProcessLimits> = {}): Promise<RestServer> {
  const server = http.createServer(restHandler(service, { limits: { ...testLimits, ...limits } }));
  const agent = new http.Agent({ keepAlive: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    send(method, path, body = '', headers = {}) {
      return new Promise((resolve, reject) => {
        // The path goes out as it stands: a URL object would take `..` away before the server sees it.
        const sent = { ...headers };
        if (sent['transfer-encoding'] === undefined) sent['content-length'] = Buffer.byteLength(body);
        const request = http.request({ host: '127.0.0.1', port, method, path, headers: sent, agent }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
          );
        });
        request.on('error', reject);
        request.end(body);
      });
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
