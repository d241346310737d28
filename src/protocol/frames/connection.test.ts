import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { openFrameConnection, type FrameConnection } from './connection.ts';

async function socketPair(t: TestContext): Promise<[Socket, Socket]> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

const limits = { frameBytesMax: 1 << 26 };

describe('a frame connection', () => {
  it('carries small and large bodies in order, in both directions', async (t) => {
    const [near, far] = await socketPair(t);
    const sizes = [0, 10, 8192, 8193, 3_000_000, 5];
    const seen: number[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const echo: FrameConnection = openFrameConnection(
      far,
      { onFrame: (kind, header, body) => void echo.send(kind, header, [body]), onClose() {} },
      limits,
    );
    const client = openFrameConnection(
      near,
      {
        onFrame(_kind, _header, body) {
          assert.ok(body.every((value, index) => value === index % 251));
          seen.push(body.length);
          if (seen.length === sizes.length) resolve();
        },
        onClose() {},
      },
      limits,
    );
    for (const [call, size] of sizes.entries()) {
      const body = Uint8Array.from({ length: size }, (_, index) => index % 251);
      client.send('cancel', { call }, [body.subarray(0, size >> 1), body.subarray(size >> 1)]);
    }
    await done;
    assert.deepEqual(seen, sizes);
  });

  it('says once that it is closed, without an error when the other side ended between frames', async (t) => {
    const [near, far] = await socketPair(t);
    const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>();
    openFrameConnection(near, { onFrame() {}, onClose: resolve }, limits);
    openFrameConnection(far, { onFrame() {}, onClose() {} }, limits).close();
    assert.equal(await closed, undefined);
  });

  it('reports an end in the middle of a frame', async (t) => {
    const [near, far] = await socketPair(t);
    const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>();
    openFrameConnection(near, { onFrame() {}, onClose: resolve }, limits);
    far.end(Buffer.from([200, 0, 0, 0, 1]));
    assert.match((await closed)?.message ?? '', /middle of a frame/);
  });

  it('is destroyed by bytes that are no frame', async (t) => {
    const [near, far] = await socketPair(t);
    const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>();
    openFrameConnection(near, { onFrame() {}, onClose: resolve }, limits);
    far.write('GET / HTTP/1.1\r\n\r\n');
    const error = await closed;
    assert.equal((error as Error & { code?: string }).code, 'PROTOCOL');
  });

  it('returns false when more waits than the socket takes, and says when it has drained', async (t) => {
    const [near, far] = await socketPair(t);
    far.pause();
    const { promise: drained, resolve } = Promise.withResolvers<void>();
    const client = openFrameConnection(near, { onFrame() {}, onClose() {}, onDrain: resolve }, limits);
    assert.equal(client.send('cancel', { call: 1 }, [new Uint8Array(30_000_000)]), false);
    far.resume();
    await drained;
    assert.equal(client.send('cancel', { call: 2 }), true);
  });
});
