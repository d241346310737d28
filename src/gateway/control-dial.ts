/**
 * How a gateway reaches control: by the Unix socket of its own machine, or through the doors of controls on other
 * machines (HTTPS by the platform's authority), where the connection is switched to the coupling's own lines.
 */
import https from 'node:https';
import net from 'node:net';
import type { Clock } from '../clock.ts';
import { callOptions, type PeerIdentity } from '../tls/peer.ts';

export type ControlAddress = { readonly kind: 'unix'; readonly path: string } | ControlDoors;

export interface ControlDoors {
  readonly kind: 'doors';
  /** `https://10.0.0.1:8003`, at least one; one of them leads to the control that acts. */
  readonly urls: readonly string[];
  readonly identity: PeerIdentity;
}

/** The name of the coupling in `Upgrade`. */
export const gatewayProtocol = 'flyball-gateway';
/** Both sides say something at least this often over TCP, where the end of the other may never be told. */
export const beatMs = 500;
/** Whoever is not heard for this long is given up. */
export const silentMsMax = 4000;

const dialMsMax = 3000;
/** A door behind which no control acts. */
export const misdirected = 421;

export interface DialEvents {
  /** `head` came with the answer. */
  opened(socket: net.Socket, head: Buffer): void;
  /** Once, whether it was ever opened or not. `why`: in words; absent for one that was opened. */
  gone(why?: string): void;
}

/** Gives what calls it off before it is opened; `gone` comes then too. */
export function dialControl(address: ControlAddress, door: number, clock: Clock, events: DialEvents): () => void {
  const watch = (socket: net.Socket): void => {
    socket.on('error', () => socket.destroy());
    socket.once('close', () => events.gone());
  };
  if (address.kind === 'unix') {
    const socket = net.connect({ path: address.path });
    watch(socket);
    socket.once('connect', () => events.opened(socket, Buffer.alloc(0)));
    return () => socket.destroy();
  }
  let upgraded = false;
  let why = 'it closed the connection';
  const request = https.request(new URL('/gateway', address.urls[door]), {
    ...callOptions(address.identity, 'control'),
    agent: false,
    headers: { connection: 'Upgrade', upgrade: gatewayProtocol },
  });
  const cancelLimit = clock.after(dialMsMax, () => request.destroy(new Error(`no answer within ${dialMsMax} ms`)));
  request.once('upgrade', (_response, socket, head) => {
    upgraded = true;
    cancelLimit();
    socket.setNoDelay(true);
    watch(socket);
    events.opened(socket, head);
  });
  // An answer instead of the switch: no control that acts is behind this door, or it is not for us.
  request.once('response', ({ statusCode = 0 }) => {
    why = statusCode === misdirected ? 'no control acts behind it' : `it answered ${statusCode}`;
    request.destroy();
  });
  let isPeer = false;
  request.once('socket', (socket) => socket.once('secureConnect', () => (isPeer = true)));
  request.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // With TLS 1.3 whoever does not take a certificate says so after the handshake, and no more than that.
    if (isPeer && code === 'ECONNRESET') why = "it hung up; perhaps it does not take this gateway's certificate";
    else if (message !== '') why = message;
  });
  request.once('close', () => {
    cancelLimit();
    if (!upgraded) events.gone(why);
  });
  request.end();
  return () => request.destroy();
}
