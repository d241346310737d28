import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlyballError } from '../../errors.ts';
import { startRest } from '../../testing/rest-server.ts';
import { tableService } from '../../testing/table-service.ts';
import { openRaw } from '../../../test/support/raw.ts';
import type { RequestHead } from '../inference.ts';

const path = '/v2/models/identity_fp32/infer';
const length = 400_000;
const headOf = (target: string, more: string, bytes = length): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n${more}\r\n`;

/** A service that is full, and the heads that it was asked about. */
function full() {
  const heads: RequestHead[] = [];
  const expect = (head: RequestHead): never => {
    heads.push(head);
    throw new FlyballError('QUEUE_FULL', 'expected fewer than 10 waiting, got 10', { retryAfterSeconds: 3 });
  };
  return { heads, service: { ...tableService(), expect } };
}

test('a long body that would be refused is answered before it is sent, and the connection goes on', async () => {
  const { heads, service } = full();
  await using server = await startRest(service);
  await using raw = await openRaw(server.port);
  raw.send(headOf(path, 'Flyball-Deadline-Ms: 700\r\nInference-Header-Content-Length: 100\r\n'));
  await raw.reaches(/^HTTP\/1\.1 503[^]*Retry-After: 3\r\n[^]*"code":"QUEUE_FULL"\}$/);
  assert.deepEqual(heads, [
    { payload: 'tensors', final: false, model: 'identity_fp32', version: undefined, deadlineMs: 700 },
  ]);
  raw.send(new Uint8Array(length));
  raw.send('GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n');
  await raw.reaches(/HTTP\/1\.1 503[^]*HTTP\/1\.1 200 OK/);
});

test('what nothing in the body can change is said: an image, and a tensor of raw bytes', async () => {
  const { heads, service } = full();
  await using server = await startRest(service);
  for (const [target, header] of [
    ['/predictions/sizes', 'Content-Type: image/jpeg\r\n'],
    [path, 'Inference-Header-Content-Length: 0\r\n'],
  ] as const) {
    await using raw = await openRaw(server.port);
    raw.send(headOf(target, header));
    await raw.reaches(/^HTTP\/1\.1 503/);
  }
  assert.deepEqual(
    heads.map(({ payload, final }) => ({ payload, final })),
    [
      { payload: 'file', final: true },
      { payload: 'tensors', final: true },
    ],
  );
});

test('a short body is read first, and so is one that has to say what it is', async () => {
  const { heads, service } = full();
  await using server = await startRest(service);
  const bytes = new Uint8Array(20_000);
  assert.equal((await server.send('POST', path, '{}')).status, 400);
  assert.equal((await server.send('POST', '/predictions/sizes', bytes)).status, 200);
  assert.deepEqual(heads, []);
});
