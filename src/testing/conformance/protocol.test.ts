import { serveMemory } from '../serve-memory.ts';
import { protocolConformance, type ProtocolSubject } from './protocol.ts';
import { clientSubject, grpcSubject, restBinarySubject, restJsonSubject } from './subjects.ts';

/** The subject beside the servers that it speaks to, under one lifetime. */
async function over(
  open: (urls: { httpUrl: string; grpcUrl: string; grpcTarget: string }) => ProtocolSubject,
): Promise<ProtocolSubject> {
  const served = await serveMemory();
  const subject = open(served);
  return {
    ...subject,
    async [Symbol.asyncDispose]() {
      await subject[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
    },
  };
}

protocolConformance('REST with JSON', () => over(({ httpUrl }) => restJsonSubject(httpUrl)));
protocolConformance('REST with binary tensors', () => over(({ httpUrl }) => restBinarySubject(httpUrl)));
protocolConformance('gRPC with raw contents', () => over(({ grpcTarget }) => grpcSubject(grpcTarget, 'raw')));
protocolConformance('gRPC with typed contents', () => over(({ grpcTarget }) => grpcSubject(grpcTarget, 'typed')));
protocolConformance('flyball/client over HTTP', () => over(({ httpUrl }) => clientSubject({ url: httpUrl })));
protocolConformance('flyball/client over HTTP with JSON', () =>
  over(({ httpUrl }) => clientSubject({ url: httpUrl, encoding: 'json' })),
);
protocolConformance('flyball/client over gRPC', () => over(({ grpcUrl }) => clientSubject({ url: grpcUrl })));
