/** A way to a server that a test cuts where it wants to: in the middle of what a client says, or of what comes back. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** `lose`: neither is told; `lost answer`: the server hears it, the client never hears back; `refuse`: nobody gets in. */
  cutAt(word: string, how: 'lose' | 'lost answer', after?: 'refuse'): void;
  /** Nothing arrives any more, and nobody is told. */
  silence(): void;
  /** As at first. */
  heal(): void;
}

export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  let cut:
    | { readonly word: string; readonly how: 'lose' | 'lost answer'; readonly after: 'refuse' | undefined }
    | undefined;
  let isSilent = false;
  let refuses = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (refuses) {
      client.destroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    upstream.on('data', (chunk) => isSilent || client.write(chunk));
    client.on('data', (chunk) => {
      if (isSilent) return;
      if (cut === undefined || !chunk.includes(cut.word)) {
        upstream.write(chunk);
        return;
      }
      const { how, after } = cut;
      cut = undefined;
      refuses = after === 'refuse';
      if (how === 'lose') {
        client.destroy();
        return;
      }
      upstream.removeAllListeners('data');
      // It is carried out by the time that it is answered.
      upstream.once('data', () => client.destroy());
      upstream.write(chunk);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    cutAt(word, how, after) {
      cut = { word, how, after };
    },
    silence() {
      isSilent = true;
    },
    heal() {
      isSilent = false;
      refuses = false;
      cut = undefined;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
