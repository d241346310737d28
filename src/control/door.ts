/**
 * Control's door for the platform's own processes on other machines: artefacts by digest, over TLS where both sides show
 * certificates of the platform's authority. Strangers do not get as far as a request.
 */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { ArtefactStore } from '../registry/artefacts.ts';
import { isDigest } from '../registry/digest.ts';
import { doorOptions, identityShown, type PeerIdentity } from '../tls/peer.ts';

export interface DoorOptions {
  readonly identity: PeerIdentity;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly artefacts: Pick<ArtefactStore, 'path' | 'find'>;
}

export interface Door extends AsyncDisposable {
  readonly port: number;
}

const connectionsMax = 512;

/** PORT_IN_USE when somebody else listens there. */
export async function openDoor({ identity, host, port, artefacts }: DoorOptions): Promise<Door> {
  const server = https.createServer(doorOptions(identity), (request, response) => {
    void answer(request, response, artefacts).catch(() => response.destroy());
  });
  server.maxConnections = connectionsMax;
  // Whoever fails the handshake is gone already; there is nothing to say to them.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const why = `control's door on ${host}:${port} (orchestrator.door): ${cause.message}`;
      reject(new FlyballError(taken ? 'PORT_IN_USE' : 'INTERNAL', why, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  artefacts: DoorOptions['artefacts'],
): Promise<void> {
  const who = identityShown(request.socket as TLSSocket) ?? '';
  if (!who.startsWith('replica/')) return void response.writeHead(403).end();
  if (request.method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
  const [, digest = ''] = /^\/artefacts\/([^/?]+)$/.exec(request.url ?? '') ?? [];
  if (!isDigest(digest)) return void response.writeHead(404).end();
  const found = await artefacts.find(digest);
  if (found === undefined) return void response.writeHead(404).end();
  try {
    const path = await artefacts.path(digest);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': found.bytes });
    await pipeline(createReadStream(path), response);
  } catch (error) {
    // Its headers may have gone out: an end without the whole length is what the other side sees then.
    if (response.headersSent) throw error;
    response.writeHead(toFlyballError(error).code === 'ARTEFACT_NOT_FOUND' ? 404 : 500).end();
  }
}
