/**
 * Limits at the doors of a real platform, with figures: nesting, shapes that claim the universe, floods of headers, keys
 * that would change a prototype. Bombs and sizes of bodies are in http.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { openClient } from '../../src/client/client.ts';
import { doubler } from '../fixtures/models.ts';
import { ask, v2, type Answer } from '../support/ask.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { childPid } from '../support/processes.ts';
import { openRaw } from '../support/raw.ts';

const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const mebibyte = 1_048_576;

describe('limits at the door', () => {
  let platform: Platform;
  let infer = '';
  const send = (body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(infer, { body, headers });
  const codeOf = (answer: Answer): unknown[] => [answer.status, answer.json()['code']];
  const control = (path: string, body: string): Promise<Answer> =>
    ask(`${platform.control}/api/v1/${path}`, { body, headers: { 'content-type': 'application/json' } });
  /** Resident MiB of the gateway, highest ever. */
  const peakMiB = (): number => {
    const status = readFileSync(`/proc/${childPid(platform, 'gateway')}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  };
  const serves = async (): Promise<void> => assert.equal((await send(row)).status, 200);

  before(async () => {
    platform = await startPlatform({
      models: { 'doubler/1/model.onnx': doubler() },
      specification: {
        limits: { bodyBytesMax: '4MiB' },
        models: { doubler: { path: './models/doubler' } },
        deployments: { doubler: { model: 'doubler' } },
      },
    });
    await platform.serving();
    infer = `${platform.http}/v2/models/doubler/infer`;
  });
  after(() => platform[Symbol.asyncDispose]());

  test('bombs of a thousand to one do not go off: the gateway grows by less than a tenth of what they claim', async (context) => {
    await serves();
    const before = peakMiB();
    const zeros = Buffer.alloc(200 * mebibyte);
    const bombs: [string, Buffer][] = [
      ['gzip', gzipSync(zeros)],
      ['deflate', deflateSync(zeros)],
    ];
    for (const [encoding, bomb] of bombs) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => send(bomb, { 'content-encoding': encoding })));
      for (const answer of answers) assert.deepEqual(codeOf(answer), [413, 'TOO_LARGE'], encoding);
    }
    const grown = peakMiB() - before;
    context.diagnostic(
      `8 bombs of 200 MiB in ${Math.round((bombs[0]?.[1].length ?? 0) / 1024)} KiB: +${grown.toFixed(0)} MiB`,
    );
    assert.ok(grown < 100, `the gateway grew by ${grown.toFixed(0)} MiB`);
    await serves();
  });

  test('JSON nested by the hundred thousand is refused on both planes, in whatever it is made of', async () => {
    const deep = 100_000;
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"a":', '}]'],
    ] as const) {
      const nest = open.repeat(deep) + '1' + close.repeat(deep);
      assert.deepEqual(codeOf(await send(`{"inputs":${nest}}`)), [400, 'INVALID_JSON'], open);
      assert.deepEqual(codeOf(await send(`{"inputs":[],"parameters":${nest}}`)), [400, 'INVALID_JSON'], open);
      const planned = await control('plan', nest);
      assert.ok(planned.status >= 400 && planned.status < 500, `${open}: ${planned.status}`);
    }
    await serves();
  });

  test('a shape is measured before memory is taken for it', async () => {
    const huge = [2 ** 31, 2 ** 53 - 1, 1e15];
    const before = peakMiB();
    for (const size of huge)
      for (const shape of [[size, 4], [4, size], [size, size], Array.from({ length: 1000 }, () => 2)]) {
        const answer = await send(v2({ name: 'x', datatype: 'FP32', shape, data: [1] }));
        assert.ok(answer.status >= 400 && answer.status < 500, JSON.stringify(shape.slice(0, 3)));
        assert.match(String(answer.json()['code']), /^(INVALID_TENSOR|INVALID_REQUEST|TOO_LARGE)$/);
      }
    for (const shape of [
      [-1, 4],
      [0.5, 4],
      ['4', 4],
      [null, 4],
    ])
      assert.equal(
        (await send(JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape, data: [1] }] }))).status,
        400,
      );
    await using client = openClient({ url: platform.grpc.replace('http', 'grpc'), retries: 0 });
    const bytes = new Uint8Array(16);
    for (const size of [2 ** 31, 2 ** 52])
      await assert.rejects(
        client.infer({ model: 'doubler', inputs: [{ name: 'x', datatype: 'FP32', shape: [size, 4], bytes }] }),
        {
          code: /INVALID_TENSOR|TOO_LARGE|INVALID_REQUEST/,
        },
      );
    assert.ok(peakMiB() - before < 64);
    await serves();
  });

  test('a flood of headers is cut off with 431, many small ones as one large', async () => {
    for (const [doorName, url] of [
      ['http', platform.http],
      ['control', platform.control],
    ] as const)
      for (const headers of [
        'x: y\r\n'.repeat(10_000),
        `x: ${'y'.repeat(100_000)}\r\n`,
        `${'x'.repeat(50_000)}: y\r\n`,
      ]) {
        await using connection = await openRaw(Number(new URL(url).port));
        connection.send(`GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`);
        await connection.reaches(/^HTTP\/1\.1 (?:431|413) .*TOO_LARGE/s);
        assert.ok(connection.received.length < 2000, doorName);
      }
    await serves();
  });

  test('keys that would change a prototype are data or refused, in JSON, parameters, queries and names', async () => {
    const poison = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString'];
    for (const key of poison) {
      const attacks = [
        `{"${key}":{"polluted":1},${row.slice(1)}`,
        `{"parameters":{"${key}":{"polluted":1}},${row.slice(1)}`,
        `{"parameters":{"${key}":1},${row.slice(1)}`,
        `{"inputs":[{"name":"${key}","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}`,
        `{"inputs":[{"name":"x","datatype":"${key}","shape":[1,4],"data":[1,2,3,4]}]}`,
        `{"outputs":[{"name":"${key}"}],${row.slice(1)}`,
      ];
      for (const attack of attacks) {
        const answer = await send(attack);
        assert.ok(
          answer.status === 200 || (answer.status >= 400 && answer.status < 500),
          `${attack}: ${answer.status}`,
        );
        assert.doesNotMatch(answer.body.toString(), /polluted|native code/);
      }
      for (const path of [
        `/v2/models/${key}`,
        `/v2/models/${key}/infer`,
        `/predictions/${key}`,
        `/v2?${key}[polluted]=1`,
      ]) {
        const answer = await ask(
          platform.http + path,
          path.includes('infer') || path.includes('pred') ? { body: row } : {},
        );
        assert.ok(answer.status < 500 && !answer.body.toString().includes('native code'), path);
      }
      for (const path of [`models/${key}`, `deployments/${key}`, `operations/${key}`])
        assert.equal((await ask(`${platform.control}/api/v1/${path}`)).status, 404, path);
      assert.equal((await ask(`${platform.control}/api/v1/status?${key}[polluted]=1`)).status, 400, key);
      const planned = await control('plan', `{"specification":{"${key}":{"polluted":1}},"models":{}}`);
      assert.ok(planned.status === 400 || planned.status === 422, `${key}: ${planned.status}`);
      const scaled = await control('deployments/doubler/scale', `{"replicas":1,"${key}":{"polluted":1}}`);
      assert.ok(scaled.status === 400 || scaled.status === 422, `${key}: ${scaled.status}`);
    }
    await serves();
    assert.equal((await platform.status()).deployments.length, 1);
  });
});
