/** A {@link MemoryService} behind both protocols on free loopback ports, and on a Unix socket when asked, for tests. */
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { grpcHttp2Options, openGrpc } from '../protocol/grpc/server.ts';
import { restHandler } from '../protocol/rest/server.ts';
import { openMemoryService, type MemoryService } from './memory-service.ts';

export interface ServedMemory extends AsyncDisposable {
  readonly service: MemoryService;
  readonly httpUrl: string;
  readonly grpcUrl: string;
  /** host:port of gRPC, as gRPC libraries want it. */
  readonly grpcTarget: string;
}

const limits = {
  bodyBytesMax: 1 << 26,
  headerBytesMax: 16_384,
  tensorElementsMax: 1 << 20,
  jsonDepthMax: 64,
  connectionsMax: 1024,
  requestTimeoutMs: 60_000,
};

export async function serveMemory(): Promise<ServedMemory> {
  const service = openMemoryService(limits);
  const rest = http.createServer(restHandler(service, { limits }));
  const grpc = openGrpc(service, {
    limits: { messageBytesMax: limits.bodyBytesMax, tensorElementsMax: limits.tensorElementsMax },
  });
  const server = http2.createServer(grpcHttp2Options);
  grpc.attach(server);
  const [restPort, grpcPort] = await Promise.all([rest, server].map(listen));
  return {
    service,
    httpUrl: `http://127.0.0.1:${restPort}`,
    grpcUrl: `grpc://127.0.0.1:${grpcPort}`,
    grpcTarget: `127.0.0.1:${grpcPort}`,
    async [Symbol.asyncDispose]() {
      rest.close();
      rest.closeAllConnections();
      server.close();
      await grpc[Symbol.asyncDispose]();
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
