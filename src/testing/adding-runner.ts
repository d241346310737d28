/**
 * A runner on a real socket without a model: it speaks frames, is ready at once, and answers every call with its first
 * input plus 1 in every byte, as output `y`. Can vanish with calls in flight and hold its answers back.
 */
import { rmSync } from 'node:fs';
import net from 'node:net';
import { openFrameConnection, type FrameConnection } from '../protocol/frames/connection.ts';

export interface AddingRunner extends AsyncDisposable {
  readonly path: string;
  /** Calls that were received. */
  readonly calls: number;
  /** False: calls are taken and not answered, until it is true again. */
  answering: boolean;
  /** Closes every connection at once, as a death does. */
  vanish(): void;
}

export async function startAddingRunner(replica: string, path: string): Promise<AddingRunner> {
  const connections = new Map<FrameConnection, net.Socket>();
  const held: (() => void)[] = [];
  let answering = true;
  let calls = 0;
  const server = net.createServer((socket) => {
    const connection = openFrameConnection(
      socket,
      {
        onFrame(...[kind, header, body]) {
          if (kind !== 'infer') return;
          calls += 1;
          const [part] = header.payload.parts;
          const reply = (): void => {
            const bytes = body.map((byte) => byte + 1);
            const output = {
              name: 'y',
              datatype: 'UINT8',
              shape: part?.shape ?? [],
              byteLength: bytes.length,
            } as const;
            connection.send('result', { call: header.call, outputs: [output], inputMs: 0, computeMs: 0.01 }, [bytes]);
          };
          if (answering) reply();
          else held.push(reply);
        },
        onClose: () => connections.delete(connection),
      },
      { frameBytesMax: 1_048_576 },
    );
    connections.set(connection, socket);
    connection.send('hello', {
      replica,
      pid: process.pid,
      model: 'm',
      version: '1',
      digest: 'sha256:1',
      state: { kind: 'ready' },
      platform: 'simulated',
      takesFiles: false,
      costCurve: [{ rows: 1, ms: 0.01 }],
    });
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    path,
    get calls() {
      return calls;
    },
    get answering() {
      return answering;
    },
    set answering(value) {
      answering = value;
      if (value) for (const reply of held.splice(0)) reply();
    },
    vanish() {
      held.length = 0;
      for (const socket of connections.values()) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of connections.values()) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
