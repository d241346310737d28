/** Bodies and connections as they come: compressed, too long, cut off, hung up; and what is left of them. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { subscribe, type EventMap } from '../../telemetry/events.ts';
import { startRest, type RawReply } from '../../testing/rest-server.ts';
import { tableService } from '../../testing/table-service.ts';

const path = '/v2/models/identity_fp32/infer';

const body = (count: number, extra: object = {}): string =>
  JSON.stringify({
    ...extra,
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, count], data: Array.from({ length: count }, (_, i) => i) }],
  });

const json = (reply: RawReply): Record<string, unknown> =>
  JSON.parse(reply.body.toString('utf8')) as Record<string, unknown>;

test('compressed bodies are read, up to the limit after decompression', async () => {
  await using server = await startRest(tableService(), { bodyBytesMax: 10_000 });
  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    const good = await server.send('POST', path, pack(body(8)), { 'Content-Encoding': encoding });
    assert.equal(good.status, 200, encoding);
    const bomb = await server.send('POST', path, pack(' '.repeat(1_000_000)), { 'Content-Encoding': encoding });
    assert.equal(bomb.status, 413, encoding);
    const cut = await server.send('POST', path, pack(body(8)).subarray(0, 20), { 'Content-Encoding': encoding });
    assert.equal(cut.status, 400, encoding);
  }
  assert.equal((await server.send('POST', path, body(8), { 'Content-Encoding': 'br' })).status, 415);
});

test('a large JSON answer is compressed for callers that ask, a small one is not', async () => {
  await using server = await startRest(tableService());
  const wish = (encoding: string) => ({ 'Accept-Encoding': encoding });
  const plain = await server.send('POST', path, body(2000));
  const gzip = await server.send('POST', path, body(2000), wish('br, gzip, deflate'));
  const deflate = await server.send('POST', path, body(2000), wish('gzip;q=0, deflate'));
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.equal(deflate.headers['content-encoding'], 'deflate');
  assert.deepEqual(gunzipSync(gzip.body), plain.body);
  assert.deepEqual(inflateSync(deflate.body), plain.body);
  const small = await server.send('POST', path, body(2), wish('gzip'));
  assert.equal(small.headers['content-encoding'], undefined);
});

test('a body over its limit is 413, announced or not, and the connection goes on', async () => {
  await using server = await startRest(tableService(), { bodyBytesMax: 5_000 });
  const large = 'x'.repeat(200_000);
  const announced = await server.send('POST', path, large);
  assert.equal(announced.status, 413);
  assert.match(String(json(announced)['error']), /5000 bytes \(limits\.bodyBytesMax\)/);
  const chunked = await server.send('POST', path, large, { 'transfer-encoding': 'chunked' });
  assert.equal(chunked.status, 413);
  assert.equal((await server.send('POST', path, body(3))).status, 200);
});

test('empty and cut JSON are typed errors', async () => {
  await using server = await startRest(tableService());
  for (const text of ['', '{', body(3).slice(0, -4), 'null', '[]', '"x"', '\xff']) {
    const reply = await server.send('POST', path, Buffer.from(text, 'latin1'));
    assert.equal(reply.status, 400, text);
    assert.ok(typeof json(reply)['error'] === 'string');
  }
});

test('a caller that hangs up aborts the signal and ends in one CANCELLED event', async () => {
  const events: EventMap['flyball:request'][] = [];
  const unsubscribe = subscribe('flyball:request', (event) => events.push(event));
  const aborted = Promise.withResolvers<boolean>();
  const begun = Promise.withResolvers<void>();
  await using server = await startRest(
    tableService({
      before: (_request, signal) => {
        begun.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.aborted);
            reject(new Error('nobody waits any more'));
          });
        });
      },
    }),
  );
  const request = http.request({ host: '127.0.0.1', port: server.port, method: 'POST', path, agent: false });
  request.on('error', () => {});
  request.end(body(1));
  await begun.promise;
  request.destroy();
  assert.equal(await aborted.promise, true);
  // A second request on the same server ends after whatever the first still had to say.
  await server.send('GET', '/livez');
  unsubscribe();
  assert.deepEqual(
    events.map((event) => event.outcome),
    ['CANCELLED'],
  );
});

test('a body that is cut off leaves the server healthy and the service unasked', async () => {
  let asked = 0;
  await using server = await startRest(
    tableService({
      before: async () => {
        asked++;
      },
    }),
  );
  const socket = net.connect(server.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => {});
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"inputs":[`, () => socket.destroy());
  await closed;
  assert.equal((await server.send('GET', '/livez')).status, 200);
  assert.equal(asked, 0);
});

test('Content-Encoding is read whatever its letters, and identity is none', async () => {
  await using server = await startRest(tableService());
  assert.equal((await server.send('POST', path, body(1), { 'content-encoding': 'Identity' })).status, 200);
  assert.equal((await server.send('POST', path, gzipSync(body(1)), { 'content-encoding': ' GZIP ' })).status, 200);
});

test('the form of the request line that proxies send is taken', async () => {
  await using server = await startRest(tableService());
  assert.equal((await server.send('GET', 'http://flyball.test:8000/v2/health/live?x=1')).status, 200);
  assert.equal((await server.send('GET', 'http://flyball.test')).status, 404);
});

test('who sends more than is taken, and wants the connection closed, gets the answer and no reset', async () => {
  await using server = await startRest(tableService());
  const large = Buffer.alloc(30_000_000);
  for (const [at, expected] of [
    [path, 413],
    ['/nowhere', 404],
  ] as const) {
    const status = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, method: 'POST', path: at, agent: false as const };
      const headers = { 'content-length': large.byteLength };
      const request = http.request({ ...options, headers }, (response) => {
        response.on('error', reject);
        response.resume().on('close', () => resolve(response.statusCode));
      });
      request.on('error', reject);
      request.end(large);
    });
    assert.equal(status, expected, at);
  }
});
