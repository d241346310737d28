/** gRPC's face over a memory service on a free port, and bare HTTP/2 calls to it: bytes in, headers, trailers and bytes out. */
import http2, { type ClientHttp2Session, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { encodeInferRequest } from '../protocol/grpc/infer-messages.ts';
import { grpcHttp2Options, openGrpc, type GrpcServer } from '../protocol/grpc/server.ts';
import { openMemoryService, type MemoryService } from './memory-service.ts';

export const messageBytesMax = 1 << 20;
const tensorElementsMax = 1 << 18;

export interface Served extends AsyncDisposable {
  readonly service: MemoryService;
  readonly grpc: GrpcServer;
  readonly server: Http2Server;
  readonly port: number;
}

export async function serve(limits: { readonly requestTimeoutMs?: number } = {}): Promise<Served> {
  const service = openMemoryService({ tensorElementsMax });
  const face = openGrpc(service, { limits: { messageBytesMax, tensorElementsMax, ...limits } });
  const server = http2.createServer(grpcHttp2Options);
  face.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    service,
    grpc: face,
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await face[Symbol.asyncDispose]();
    },
  };
}

interface RawReply {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export const inferPath = '/inference.GRPCInferenceService/ModelInfer';

export function request(
  session: ClientHttp2Session,
  path: string,
  chunks: readonly Uint8Array[],
  headers: Record<string, string> = {},
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let answered: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const body: Buffer[] = [];
    stream.on('response', (each) => (answered = each));
    stream.on('trailers', (each) => (trailers = each));
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({ headers: answered, trailers: { ...answered, ...trailers }, body: Buffer.concat(body) }),
    );
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
  });
}

export async function withSession(served: Served, use: (session: ClientHttp2Session) => Promise<void>): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${served.port}`);
  session.on('error', () => {});
  try {
    await use(session);
  } finally {
    session.destroy();
  }
}

export const tensorFrame = Buffer.concat(
  encodeInferRequest({
    model: 'identity_fp32',
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 2], bytes: new Uint8Array(8) }],
  }),
);
