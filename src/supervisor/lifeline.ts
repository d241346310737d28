/**
 * A socket that does nothing but be open: whoever holds a connection to it learns at once, from the kernel, that the
 * supervisor is gone, however it died. Runners and other children then drain and stop by themselves.
 */
import { rmSync } from 'node:fs';
import net from 'node:net';

export async function openLifeline(path: string): Promise<AsyncDisposable> {
  rmSync(path, { force: true });
  const held = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    held.add(socket);
    socket.on('close', () => held.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.resume();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of held) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
