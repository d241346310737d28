/**
 * Mutual TLS between the platform's own processes, for frames over TCP: each side shows a certificate of the platform's
 * authority and reads the other's identity from it. The name in an address counts for nothing, since processes move.
 * Invariant: no byte of a frame is read from, or written to, a peer whose identity was not the expected one.
 */
import net from 'node:net';
import tls, { type DetailedPeerCertificate, type PeerCertificate } from 'node:tls';
import { FlyballError } from '../errors.ts';
import type { ReplicaAddress } from '../gateway/routing-table.ts';
import { identityUri } from './authority.ts';

/** PEM, all three. */
export interface PeerIdentity {
  readonly certificate: string;
  readonly key: string;
  /** The platform's authority: the only one that is trusted. */
  readonly authority: string;
}

const oldest = 'TLSv1.3';

/** Who may give a runner work. */
const callers = ['gateway', 'control'] as const;

/** Node prints each name of subjectAltName with its kind; ours are URIs without a comma. */
function isNamed({ subjectaltname = '' }: Partial<PeerCertificate>, identity: string): boolean {
  return subjectaltname.split(', ').includes(`URI:${identityUri(identity)}`);
}

/** A socket on its way to a replica; whatever is wrong with the other side ends it with an error. */
export function connectToReplica(address: ReplicaAddress, replica: string, own: PeerIdentity | undefined): net.Socket {
  if (address.kind === 'unix') return net.connect({ path: address.path });
  const { host, port, certificate: expected = `replica/${replica}` } = address;
  if (address.tls !== true) return net.connect({ host, port });
  if (own === undefined) {
    return new net.Socket().destroy(
      new FlyballError('TLS_UNUSABLE', `replica ${replica} wants a certificate, got none`),
    );
  }
  return tls.connect({ host, port, ...callOptions(own, expected) });
}

/** For a call to a peer that must show `expected`; for `tls.connect` and `https.request` alike. */
export function callOptions(own: PeerIdentity, expected: string) {
  return {
    ...contextOf(own),
    checkServerIdentity: (_host: string, certificate: PeerCertificate): Error | undefined =>
      isNamed(certificate, expected)
        ? undefined
        : new Error(`expected the certificate of ${expected}, got one for ${certificate.subjectaltname ?? 'nobody'}`),
  };
}

/**
 * For a server, also for its `setSecureContext`. Whoever shows no certificate of the authority that is in force is not let
 * in; whose it is, the caller reads by {@link identityShown}.
 */
export function doorOptions(own: PeerIdentity) {
  return { ...contextOf(own), requestCert: true, rejectUnauthorized: true, handshakeTimeout: 10_000 } as const;
}

/** `replica/digits_v3`, `gateway`: what the certificate at the other end of a connection names. */
export function identityShown(socket: tls.TLSSocket): string | undefined {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  const uri = certificate.subjectaltname?.split(', ').find((name) => name.startsWith(`URI:${identityUri('')}`));
  return uri === undefined ? undefined : decodeURI(uri.slice(`URI:${identityUri('')}`.length));
}

/** Why a caller was turned away in its handshake, where that is worth telling; undefined for those that only went. */
export function refusalIn(socket: tls.TLSSocket): string | undefined {
  const error = socket.authorizationError as unknown as string | undefined;
  if (error === undefined || error === null) return undefined;
  return `a caller was turned away: ${refusals[error] ?? `its certificate is not taken (${error})`}`;
}

const refusals: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not in force yet: do the clocks of the two machines agree?',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is of another platform's authority",
};

/** A runner's door over TCP: strangers are gone before `serve` sees them. Another identity: `setSecureContext` with {@link doorOptions}. */
export function peerServer(own: PeerIdentity, serve: (socket: net.Socket) => void): tls.Server {
  const server = tls.createServer(doorOptions(own), (socket) => {
    const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate();
    if (callers.some((identity) => isNamed(certificate, identity))) serve(socket);
    else socket.destroy();
  });
  // Whoever fails the handshake is gone already; there is nothing to say to them.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

function contextOf({ certificate, key, authority }: PeerIdentity) {
  return { cert: certificate, key, ca: authority, minVersion: oldest } as const;
}
