/**
 * Control's door for the platform's own processes on other machines, over TLS where both sides show certificates of the
 * platform's authority: artefacts by digest for replicas, the coupling and the API for gateways, the next certificate for both.
 * Strangers, and those whose certificate has expired, do not get as far as a request.
 */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { FlyballError, toFlyballError } from '../errors.ts';
import { gatewayProtocol } from '../gateway/control-dial.ts';
import type { ArtefactStore } from '../registry/artefacts.ts';
import { isDigest } from '../registry/digest.ts';
import { certificatesPath } from '../tls/ask-certificate.ts';
import { doorOptions, identityShown, refusalIn, type PeerIdentity } from '../tls/peer.ts';
import type { CertificateIssuer } from './certificates.ts';

export interface DoorOptions {
  readonly identity: PeerIdentity;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly artefacts: Pick<ArtefactStore, 'path' | 'find'>;
  /** Absent: nobody gets one here. */
  readonly certificates?: Pick<CertificateIssuer, 'renew'>;
  /** Whoever was turned away in the handshake for a certificate that is not in force or not of this platform. */
  readonly onRefused?: (reason: string) => void;
}

/** What a control that acts has for gateways; without it they are sent to the next door (421). */
export interface GatewayService {
  /** The coupling's own lines from here on; `head` has come already. */
  take(socket: Socket, head: Buffer): void;
  /** Of the control API, for calls that a gateway passes on. */
  readonly api: RequestListener;
}

export interface Door extends AsyncDisposable {
  readonly port: number;
  serveGateways(service: GatewayService): void;
  /** Shown to whoever comes from now on. */
  renew(identity: PeerIdentity): void;
}

const connectionsMax = 512;
/** For a whole request: a gateway may pass on a model of some gigabytes. */
const requestTimeoutMs = 3_600_000;

/** PORT_IN_USE when somebody else listens there. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { identity, host, port, artefacts, certificates } = options;
  let gateways: GatewayService | undefined;
  const switched = new Set<Socket>();
  const server = https.createServer(doorOptions(identity), (request, response) => {
    if (request.url?.startsWith('/api/') === true) answerGateway(request, response, gateways);
    else if (request.url === certificatesPath && certificates !== undefined)
      void renew(request, response, certificates).catch(() => response.destroy());
    else void answer(request, response, artefacts).catch(() => response.destroy());
  });
  server.requestTimeout = requestTimeoutMs;
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, gateways);
    if (refusal !== undefined || gateways === undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    switched.add(socket);
    socket.once('close', () => switched.delete(socket));
    socket.setNoDelay(true);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${gatewayProtocol}\r\n\r\n`);
    gateways.take(socket, head);
  });
  server.maxConnections = connectionsMax;
  // Whoever fails the handshake is gone already; there is nothing to say to them.
  server.on('tlsClientError', (_error, socket) => {
    const reason = refusalIn(socket);
    if (reason !== undefined) options.onRefused?.(reason);
    socket.destroy();
  });
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
    serveGateways(service) {
      gateways = service;
    },
    renew(next) {
      server.setSecureContext(doorOptions(next));
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      for (const socket of switched) socket.destroy();
      await closed;
    },
  };
}

const isGateway = (request: IncomingMessage): boolean => identityShown(request.socket as TLSSocket) === 'gateway';

function answerGateway(request: IncomingMessage, response: ServerResponse, service: GatewayService | undefined): void {
  if (!isGateway(request)) response.writeHead(403).end();
  else if (service === undefined) response.writeHead(421).end();
  else service.api(request, response);
}

function refusalOf(request: IncomingMessage, service: GatewayService | undefined): string | undefined {
  if (!isGateway(request)) return '403 Forbidden';
  if (request.headers.upgrade !== gatewayProtocol) return '400 Bad Request';
  return service === undefined ? '421 Misdirected Request' : undefined;
}

const keyBytesMax = 4096;

/** A public key in PEM comes, its certificate in PEM goes back. */
async function renew(
  request: IncomingMessage,
  response: ServerResponse,
  certificates: Pick<CertificateIssuer, 'renew'>,
): Promise<void> {
  if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end();
  const who = identityShown(request.socket as TLSSocket) ?? '';
  let text = '';
  for await (const piece of request.setEncoding('utf8')) {
    text += piece as string;
    if (text.length > keyBytesMax) return void response.writeHead(413, { connection: 'close' }).end();
  }
  const issued = certificates.renew(who, text);
  if (issued.kind === 'refused') {
    response.writeHead(issued.status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${issued.why}\n`);
  } else response.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(issued.certificate);
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
