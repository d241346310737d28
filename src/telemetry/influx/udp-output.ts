/** Lines as UDP datagrams, whole lines in each: what is lost on the way nobody knows. */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import type { InfluxSettingsOf } from '../../config/telemetry-specification.ts';
import type { Outcome } from '../sinks/delivery.ts';

/** As few as hold them, in order. No line is longer than `bytesMax`. */
export function toDatagrams(lines: readonly string[], bytesMax: number): Buffer[] {
  const datagrams: Buffer[] = [];
  let open: string[] = [];
  let bytes = 0;
  const close = (): void => {
    if (open.length > 0) datagrams.push(Buffer.from(`${open.join('\n')}\n`, 'utf8'));
    open = [];
    bytes = 0;
  };
  for (const line of lines) {
    const size = Buffer.byteLength(line) + 1;
    if (bytes + size > bytesMax) close();
    open.push(line);
    bytes += size;
  }
  close();
  return datagrams;
}

/** Sends one batch; the socket is of this batch alone, so that a host that moves is found again. */
export async function writeOverUdp(
  { host, port, datagramBytesMax }: InfluxSettingsOf<'udp'>,
  lines: readonly string[],
  signal: AbortSignal,
): Promise<Outcome> {
  let socket: Socket | undefined;
  try {
    const { address, family } = await lookup(host);
    signal.throwIfAborted();
    socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.on('error', () => {});
    for (const datagram of toDatagrams(lines, datagramBytesMax)) {
      signal.throwIfAborted();
      await send(socket, datagram, port, address);
    }
    return { kind: 'accepted' };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { kind: 'failed', why: `it could not be sent (${code})` };
  } finally {
    socket?.close();
  }
}

function send(socket: Socket, datagram: Buffer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(datagram, port, address, (error) => (error === null ? resolve() : reject(error)));
  });
}
