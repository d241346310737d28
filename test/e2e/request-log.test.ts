/** The request log of a whole platform: binary bodies bit for bit, redaction, a sink that hangs, files for one user only. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { identity } from '../fixtures/models.ts';
import { ask } from '../support/ask.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

interface Line {
  readonly requestId: string;
  readonly traceparent?: string;
  readonly deployment: string;
  readonly version: string;
  readonly time: string;
  readonly inputs?: readonly { readonly name: string; readonly data?: string; readonly redacted?: string }[];
  readonly outputs?: readonly { readonly name: string; readonly data?: string }[];
  readonly timing: { readonly totalMs: number };
  readonly error?: { readonly code: string };
}

/** As Triton's clients send it: the JSON, then the bytes. */
function binaryBody(bytes: Uint8Array): { readonly body: Buffer; readonly headers: Record<string, string> } {
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'INPUT0',
          datatype: 'UINT8',
          shape: [1, bytes.length],
          parameters: { binary_data_size: bytes.length },
        },
      ],
      parameters: { binary_data_output: true },
    }),
  );
  return {
    body: Buffer.concat([header, bytes]),
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(header.length) },
  };
}

const allBytes = Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7) & 0xff));
const models = { 'same/1/model.onnx': identity('UINT8', [1, 'length']) };
const same = { model: 'same', replicas: { min: 1, max: 1 } };

function start(requestLog: object, deployments: object): Promise<Platform> {
  return startPlatform({
    models,
    specification: { requestLog, models: { same: { path: './models/same' } }, deployments },
  });
}

/** Control says that all serves a moment before the gateway has the table: the gateway is asked itself. */
async function answering(platform: Platform): Promise<void> {
  const { deployments } = await platform.serving();
  for (const { name } of deployments) {
    await until(`${name} to be ready at the gateway`, async () =>
      (await ask(`${platform.http}/v2/models/${name}/ready`)).status === 200 ? true : undefined,
    );
  }
}

async function linesOf(platform: Platform, count: number): Promise<Line[]> {
  const folder = join(platform.dataDirectory, 'request-log');
  return until(`${count} lines`, () => {
    const text = readFileSync(join(folder, 'requests-0.ndjson'), 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    return lines.length >= count ? lines : undefined;
  });
}

test('binary bodies are logged bit for bit, names are redacted, headers are not there, and files are their owner’s', async () => {
  await using platform = await start(
    {},
    {
      open: { ...same, requestLog: { payload: 'data' } },
      hidden: { ...same, requestLog: { payload: 'data', redact: { inputs: ['INPUT0'], with: 'hash' } } },
      unlogged: same,
    },
  );
  await answering(platform);
  const { body, headers } = binaryBody(allBytes);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const send = (name: string, more: Record<string, string> = {}) =>
    ask(`${platform.http}/v2/models/${name}/infer`, { body, headers: { ...headers, ...more } });
  const answer = await send('open', { 'x-request-id': 'one', traceparent, authorization: 'Bearer secret-of-a-caller' });
  assert.equal(answer.status, 200, answer.body.toString());
  assert.equal((await send('hidden', { 'x-request-id': 'two' })).status, 200);
  assert.equal((await send('unlogged', { 'x-request-id': 'three' })).status, 200);
  const bad = await ask(`${platform.http}/v2/models/open/infer`, {
    body: JSON.stringify({ inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1], data: [1] }] }),
    headers: { 'x-request-id': 'four' },
  });
  assert.equal(bad.status, 400);
  const lines = await linesOf(platform, 3);
  const byId = new Map(lines.map((line) => [line.requestId, line]));
  assert.deepEqual(
    [...byId.keys()].toSorted((a, b) => (a < b ? -1 : 1)),
    ['four', 'one', 'two'],
  );
  const one = byId.get('one');
  assert.deepEqual(Buffer.from(one?.inputs?.[0]?.data ?? '', 'base64'), allBytes);
  assert.deepEqual(Buffer.from(one?.outputs?.[0]?.data ?? '', 'base64'), allBytes);
  assert.deepEqual([one?.deployment, one?.version, one?.traceparent], ['open', '1', traceparent]);
  assert.ok((one?.timing.totalMs ?? 0) > 0 && Math.abs(Date.parse(one?.time ?? '') - Date.now()) < 60_000);
  const two = byId.get('two');
  assert.match(two?.inputs?.[0]?.redacted ?? '', /^hmac-sha256:[0-9a-f]{64}$/);
  assert.equal(two?.inputs?.[0]?.data, undefined);
  assert.equal(byId.get('four')?.error?.code, 'INVALID_TENSOR');
  const folder = join(platform.dataDirectory, 'request-log');
  for (const name of readdirSync(folder)) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
    assert.ok(!readFileSync(join(folder, name), 'utf8').includes('secret-of-a-caller'));
  }
  assert.equal(statSync(join(platform.dataDirectory, 'request-log.key')).mode & 0o777, 0o600);
});

test('a sink that hangs holds nobody up: every caller is answered, and what found no room is counted', async (context) => {
  // It takes connections and never answers.
  const sink = createServer(() => {});
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  context.after(() => sink.closeAllConnections());
  context.after(() => sink.close());
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
  await using platform = await start(
    { url, bufferBytesMax: 20_000, timeoutMs: 600_000 },
    { same: { ...same, requestLog: { payload: 'data' } } },
  );
  await answering(platform);
  const { body, headers } = binaryBody(allBytes);
  const sent = 200;
  for (let count = 0; count < sent; count++) {
    const answer = await ask(`${platform.http}/v2/models/same/infer`, { body, headers });
    assert.equal(answer.status, 200);
  }
  const dropped = await until('the drops to be counted', async () => {
    const text = await (await fetch(`${platform.metrics}/metrics`)).text();
    const found = /^flyball_request_log_dropped_total\{reason="buffer"\} (\d+)$/m.exec(text);
    return found === null ? undefined : Number(found[1]);
  });
  // 20 000 bytes of buffer hold nine records of 2048 bytes; the sink has taken none off.
  assert.equal(dropped, sent - 9);
  context.diagnostic(`${sent} requests answered beside a sink that hangs, ${dropped} records dropped and counted`);
});
