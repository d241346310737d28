/** The write APIs as they are documented: what is asked for, exactly, and what each answer means. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { telemetrySettings } from '../../config/telemetry-specification.ts';
import { startLineReceiver } from '../../testing/line-receiver.ts';
import { writeOverHttp, toOutcome, type HttpInflux } from './http-output.ts';

const settingsOf = (given: object): HttpInflux => {
  const [found] = telemetrySettings.parse({ influx: [{ name: 'a', ...given }] }).influx;
  assert.ok(found !== undefined && found.kind !== 'udp' && found.kind !== 'file');
  return found;
};
const signal = new AbortController().signal;
const secret = async (place: { readonly env?: string | undefined }): Promise<string> => `secret of ${place.env}`;
const write = (settings: HttpInflux, lines = ['m f=1i 1', 'm f=2i 2'], until = signal) =>
  writeOverHttp(settings, secret, lines, until, () => 0);

test('v2: POST /api/v2/write with org, bucket and precision, a token, gzip, lines with line feeds', async () => {
  await using receiver = await startLineReceiver();
  const { url } = receiver;
  const settings = settingsOf({
    kind: 'v2',
    url,
    org: 'my org',
    bucket: 'b/30d',
    token: { env: 'T' },
    precision: 'ms',
  });
  assert.deepEqual(await write(settings), { kind: 'accepted' });
  const [{ headers, ...request } = { headers: {} }] = receiver.requests;
  assert.deepEqual(request, {
    method: 'POST',
    path: '/api/v2/write',
    query: { org: 'my org', bucket: 'b/30d', precision: 'ms' },
    body: 'm f=1i 1\nm f=2i 2\n',
  });
  assert.equal(headers['authorization'], 'Token secret of T');
  assert.equal(headers['content-encoding'], 'gzip');
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(headers['accept'], 'application/json');
  assert.ok(Number(headers['content-length']) > 0);
});

test('v1: POST /write with db, rp and precision as 1.x calls it, Basic authentication; plain where gzip is off', async () => {
  await using receiver = await startLineReceiver();
  const url = `${receiver.url}/influx`;
  const more = { retentionPolicy: 'month', username: 'u', password: { env: 'P' }, precision: 'us', gzip: false };
  assert.deepEqual(await write(settingsOf({ kind: 'v1', url, database: 'd', ...more })), { kind: 'accepted' });
  const [{ headers, ...request } = { headers: {} }] = receiver.requests;
  assert.deepEqual(request, {
    method: 'POST',
    path: '/influx/write',
    query: { db: 'd', rp: 'month', precision: 'u' },
    body: 'm f=1i 1\nm f=2i 2\n',
  });
  assert.equal(headers['authorization'], `Basic ${Buffer.from('u:secret of P').toString('base64')}`);
  assert.equal(headers['content-encoding'], undefined);
});

test('http: POST to the very address, with a bearer token or none', async () => {
  await using receiver = await startLineReceiver();
  const url = `${receiver.url}/telegraf?source=a`;
  await write(settingsOf({ kind: 'http', url, bearer: { env: 'B' } }));
  await write(settingsOf({ kind: 'http', url }));
  const shown = receiver.requests.map(({ path, query, headers }) => [path, query, headers['authorization']]);
  assert.deepEqual(shown, [
    ['/telegraf', { source: 'a' }, 'Bearer secret of B'],
    ['/telegraf', { source: 'a' }, undefined],
  ]);
});

const outcome = (status: number, body = '', retryAfter: string | null = null) => toOutcome(status, body, retryAfter, 0);

test('what is refused as bad is not sent again; what may go better later is', () => {
  assert.equal(outcome(204).kind, 'accepted');
  assert.equal(outcome(200).kind, 'accepted');
  for (const status of [400, 405, 415, 422]) assert.equal(outcome(status).kind, 'refused', String(status));
  for (const status of [302, 401, 403, 404, 408, 429, 500, 502, 503]) {
    assert.equal(outcome(status).kind, 'failed', String(status));
  }
  assert.equal(outcome(413).kind, 'too large');
});

test('of a partial write those that were dropped are counted, as both versions word it', () => {
  const v1 = JSON.stringify({ error: 'partial write: field type conflict: input field "f" … dropped=3' });
  assert.deepEqual(outcome(400, v1), {
    kind: 'partial',
    refused: 3,
    why: 'it answered 400: partial write: field type conflict: input field "f" … dropped=3',
  });
  const v2 = JSON.stringify({
    code: 'unprocessable entity',
    message: 'failure writing points: partial write: … dropped=2',
  });
  assert.partialDeepStrictEqual(outcome(422, v2), { kind: 'partial', refused: 2 });
  const unread = "partial write: unable to parse 'x': missing fields\nunable to parse 'y': missing fields dropped=0";
  assert.partialDeepStrictEqual(outcome(400, JSON.stringify({ error: unread })), { kind: 'partial', refused: 2 });
});

test('Retry-After is honoured, and the words of a proxy are cut to their first line', () => {
  assert.deepEqual(outcome(503, '<html>\nbusy', '7'), {
    kind: 'failed',
    why: 'it answered 503: <html>',
    retryAfterMs: 7000,
  });
});

test('a redirect is not followed: a token is for the address that is written down', async () => {
  await using elsewhere = await startLineReceiver();
  await using receiver = await startLineReceiver();
  receiver.answer = (_, response) => void response.writeHead(307, { location: `${elsewhere.url}/write` }).end();
  const found = await write(settingsOf({ kind: 'v1', url: receiver.url, database: 'd' }));
  assert.partialDeepStrictEqual(found, { kind: 'failed', why: 'it answered 307' });
  assert.equal(elsewhere.requests.length, 0);
});

test('what goes wrong on the way is said without the address', async () => {
  const settings = settingsOf({ kind: 'v1', url: 'http://127.0.0.1:9', database: 'd' });
  const found = await write(settings);
  assert.ok(found.kind === 'failed' && found.why.startsWith('it could not be reached ('), JSON.stringify(found));
  assert.ok(!found.why.includes('127.0.0.1'));
});

test('a receiver that answers without end is left', async () => {
  await using receiver = await startLineReceiver();
  receiver.answer = (_, response) => {
    response.writeHead(500);
    const more = (): void => void (response.destroyed || response.write('x'.repeat(10_000), () => setImmediate(more)));
    more();
  };
  const found = await write(settingsOf({ kind: 'v1', url: receiver.url, database: 'd' }));
  assert.equal(found.kind, 'failed');
});

test('one that hangs is left when its time is over', async () => {
  await using receiver = await startLineReceiver();
  receiver.answer = () => {};
  const settings = settingsOf({ kind: 'v1', url: receiver.url, database: 'd' });
  const found = await write(settings, undefined, AbortSignal.timeout(100));
  assert.equal(found.kind, 'failed');
});
