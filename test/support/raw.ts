/** A bare TCP connection, for what no HTTP client would send. */
import { once } from 'node:events';
import net from 'node:net';
import { until } from './platform.ts';

export interface RawConnection extends AsyncDisposable {
  send(bytes: string | Uint8Array): void;
  /** Says that nothing more will be sent. */
  end(): void;
  /** Everything that has come so far, as latin1. */
  readonly received: string;
  readonly closed: boolean;
  /** Waits until what has come matches. */
  reaches(pattern: RegExp): Promise<void>;
}

export async function openRaw(port: number, host = '127.0.0.1'): Promise<RawConnection> {
  const socket = net.connect({ port, host });
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('error', () => {}); // whoever is refused sees it in `closed`
  await once(socket, 'connect');
  return {
    send: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
    get received() {
      return received;
    },
    get closed() {
      return socket.closed;
    },
    async reaches(pattern) {
      await until(
        `${pattern}`,
        () => {
          if (pattern.test(received)) return true;
          if (socket.closed) throw new Error(`closed after ${JSON.stringify(received)}`);
          return undefined;
        },
        15_000,
      ).catch((error: unknown) => {
        throw new Error(`expected ${pattern}, got ${JSON.stringify(received.slice(0, 2000))}`, { cause: error });
      });
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    },
  };
}
