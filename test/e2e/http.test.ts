/**
 * HTTP as it really comes: sizes at the limit and beyond it, lying encodings, bombs, half and slow and pipelined
 * requests, old versions of the protocol, and pictures of every kind. Over bare sockets against the real platform.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { crc32, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { FlyballError, openClient, tensor } from '../../src/client/client.ts';
import { doubler, goldenModels } from '../fixtures/models.ts';
import { ask, v2, type Answer } from '../support/ask.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { openRaw } from '../support/raw.ts';

const example = (path: string): Buffer => readFileSync(new URL(`../../examples/digits/${path}`, import.meta.url));
const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const doubled = [2, 4, 6, 8];
const bodyBytesMax = 64 * 1_048_576;
const names = ['doubler', 'digits', 'identity_fp32'];

const codeOf = (answer: Answer): unknown => answer.json()['code'];
const dataOf = (text: string): number[] | undefined =>
  (JSON.parse(text) as { outputs: { data: number[] }[] }).outputs[0]?.data;

/** The picture's header, with its checksum, says another size. */
function withSize(png: Buffer, width: number, height: number): Buffer {
  const forged = Buffer.from(png);
  forged.writeUInt32BE(width, 16);
  forged.writeUInt32BE(height, 20);
  forged.writeUInt32BE(crc32(forged.subarray(12, 29)), 29);
  return forged;
}

describe('HTTP at the door of the real platform', () => {
  let platform: Platform;
  let infer = '';
  const raw = () => openRaw(Number(new URL(platform.http).port));
  const post = (headers: string, body: string, length = Buffer.byteLength(body)): string =>
    `POST /v2/models/doubler/infer HTTP/1.1\r\nHost: flyball\r\nContent-Length: ${length}\r\n${headers}\r\n${body}`;
  const serves = async (): Promise<void> =>
    assert.deepEqual(dataOf((await ask(infer, { body: row })).body.toString()), doubled);

  before(async () => {
    const digits = example('model.yaml').toString();
    platform = await startPlatform({
      models: {
        'doubler/1/model.onnx': doubler(),
        'identity_fp32/1/model.onnx': (goldenModels['identity_fp32'] as () => Uint8Array)(),
        'digits/1/model.onnx': example('1/model.onnx'),
        'digits/model.yaml': digits.slice(0, digits.indexOf('warmUp:')),
      },
      specification: {
        listeners: { management: { port: 0 } },
        models: Object.fromEntries(names.map((name) => [name, { path: `./models/${name}` }])),
        deployments: Object.fromEntries(names.map((name) => [name, { model: name }])),
      },
    });
    await platform.serving();
    infer = `${platform.http}/v2/models/doubler/infer`;
  });
  after(() => platform[Symbol.asyncDispose]());

  test('a body of exactly the limit is computed, one byte more is refused and says the limit', async () => {
    const url = `${platform.http}/v2/models/identity_fp32/infer`;
    const headers = { 'Inference-Header-Content-Length': '0', 'Content-Type': 'application/octet-stream' };
    const whole = Buffer.alloc(bodyBytesMax, 0x3f);
    const full = await ask(url, { headers, body: whole });
    assert.equal(full.status, 200);
    assert.ok(full.body.subarray(Number(full.headers['inference-header-content-length'])).equals(whole));
    const framings: Record<string, string>[] = [{}, { 'Transfer-Encoding': 'chunked' }];
    for (const framing of framings) {
      const over = await ask(url, { headers: { ...headers, ...framing }, body: Buffer.alloc(bodyBytesMax + 1) });
      assert.deepEqual([over.status, codeOf(over)], [413, 'TOO_LARGE']);
      assert.match(String(over.json()['error']), /67108864 bytes \(limits\.bodyBytesMax\)/);
    }
    await serves();
  });

  test('compressed bodies are read, lies about them refused, and a bomb does not go off', async () => {
    for (const [coding, body] of [
      ['gzip', gzipSync(row)],
      ['deflate', deflateSync(row)],
    ] as const)
      assert.equal((await ask(infer, { headers: { 'Content-Encoding': coding }, body })).status, 200, coding);
    const lie = await ask(infer, { headers: { 'Content-Encoding': 'gzip' }, body: row });
    assert.deepEqual([lie.status, codeOf(lie)], [400, 'INVALID_REQUEST']);
    const unknown = await ask(infer, { headers: { 'Content-Encoding': 'br' }, body: row });
    assert.deepEqual([unknown.status, codeOf(unknown)], [415, 'UNSUPPORTED_CONTENT']);
    const bomb = await ask(infer, {
      headers: { 'Content-Encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(bodyBytesMax * 4)),
    });
    assert.deepEqual([bomb.status, codeOf(bomb)], [413, 'TOO_LARGE']);
    const many = v2({ name: 'x', datatype: 'FP32', shape: [500, 4], data: Array.from({ length: 2000 }, () => 1) });
    const packed = await ask(infer, { headers: { 'Accept-Encoding': 'gzip' }, body: many });
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.equal(dataOf(gunzipSync(packed.body).toString())?.length, 2000);
  });

  test('Expect: 100-continue is answered for what will be read, and refused without the body for what will not', async () => {
    await using small = await raw();
    const [head = ''] = post('Expect: 100-continue\r\n', row).split('{');
    small.send(head);
    await small.reaches(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    small.send(row);
    await small.reaches(/HTTP\/1\.1 200 OK.*\[2,4,6,8\]/s);
    await using large = await raw();
    large.send(post('Expect: 100-continue\r\n', '', bodyBytesMax + 1));
    await large.reaches(/^HTTP\/1\.1 413 .*connection: close.*"code":"TOO_LARGE"\}$/is);
    assert.doesNotMatch(large.received, /100 Continue/);
  });

  test('what a web page of another site has a browser send is refused on every port; clients and links are not', async () => {
    const { host } = new URL(platform.http);
    const text = { 'Content-Type': 'text/plain' };
    const pages: readonly Record<string, string>[] = [
      { Origin: 'https://attacker.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
      { Host: 'attacker.example:8000', Origin: 'http://attacker.example:8000' },
    ];
    const management = platform.management ?? '';
    for (const page of pages) {
      const headers = { ...text, ...page };
      const inferred = await ask(infer, { headers, body: row });
      assert.deepEqual([inferred.status, codeOf(inferred)], [403, 'FORBIDDEN'], JSON.stringify(page));
      for (const [url, method] of [
        [`${platform.http}/predictions/digits`, 'POST'],
        [`${management}/models?url=x.mar`, 'POST'],
        [`${management}/models/doubler?min_worker=0`, 'PUT'],
        [`${management}/models/doubler`, 'DELETE'],
      ] as const) {
        const answer = await ask(url, { method, headers, body: row });
        assert.deepEqual([answer.status, answer.json()['reason']], [403, 'FORBIDDEN'], `${method} ${url}`);
      }
      const unloaded = await ask(`${platform.http}/v2/repository/models/doubler/unload`, { headers, body: '' });
      assert.equal(unloaded.status, 403);
    }
    const ours: readonly Record<string, string>[] = [
      {},
      { Origin: `http://${host}` },
      { Origin: 'https://a.example', 'Sec-Fetch-Site': 'same-origin' },
    ];
    for (const own of ours)
      assert.equal((await ask(infer, { headers: { ...text, ...own }, body: row })).status, 200, JSON.stringify(own));
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    assert.equal((await ask(`${platform.http}/v2`, { headers: link })).status, 200);
    // A browser sends what is no plain text only after a question that nobody answers with yes.
    const question = { Origin: 'https://a.example', 'Access-Control-Request-Method': 'POST' };
    const asked = await ask(infer, { method: 'OPTIONS', headers: question });
    assert.deepEqual([asked.status, asked.headers['access-control-allow-origin']], [403, undefined]);
    await serves();
  });

  test('pipelined requests are answered in their order', async () => {
    await using connection = await raw();
    const ids = ['a', 'b', 'c'];
    connection.send(ids.map((id) => post('', row.replace('{', `{"id":"${id}",`))).join(''));
    await connection.reaches(/"id":"a".*"id":"b".*"id":"c".*\}$/s);
    assert.equal(connection.received.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
  });

  test('HTTP/1.0, chunked and slow bodies are requests like any other', async () => {
    await using old = await raw();
    old.send(post('', row).replace('HTTP/1.1', 'HTTP/1.0'));
    await old.reaches(/^HTTP\/1\.1 200 OK.*\[2,4,6,8\]/s);
    await using slow = await raw();
    const whole = post('', row);
    for (let at = 0; at < whole.length; at += 40) {
      slow.send(whole.slice(at, at + 40));
      await new Promise(setImmediate);
    }
    await slow.reaches(/200 OK.*\[2,4,6,8\]/s);
    const chunked = await ask(infer, { headers: { 'Transfer-Encoding': 'chunked' }, body: row });
    assert.equal(chunked.status, 200);
  });

  test('what is no request gets a typed error and a closed connection, and harms nobody', async () => {
    for (const [bytes, expected] of [
      ['GARBAGE\r\n\r\n', /^HTTP\/1\.1 400 .*"code":"INVALID_REQUEST"\}$/s],
      [`GET /v2 HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 .*"code":"TOO_LARGE"\}$/s],
      [post('Transfer-Encoding: chunked\r\n', row), /^HTTP\/1\.1 400 /],
      [post('Content-Length: 5\r\n', row), /^HTTP\/1\.1 400 /],
      [Buffer.from('16030100a5010000a1', 'hex'), /^HTTP\/1\.1 400 /],
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 400 /],
    ] as const) {
      await using connection = await raw();
      connection.send(bytes);
      await connection.reaches(expected);
    }
    await using half = await raw();
    half.send(post('', row, 5000));
    half.end();
    await half.reaches(/^HTTP\/1\.1 400 /);
    await serves();
  });

  test('pictures: PNG, JPEG of every kind and WebP are read, everything else is refused for what it is', async () => {
    const url = `${platform.http}/predictions/digits`;
    const seven = sharp(example('samples/seven.png'));
    const larger = seven.clone().resize(112, 112);
    const read: Record<string, Buffer> = {
      png: await seven.clone().png().toBuffer(),
      'png of 16 bits': await seven.clone().toColourspace('grey16').png().toBuffer(),
      webp: await seven.clone().webp().toBuffer(),
      jpeg: await larger.clone().jpeg().toBuffer(),
      'progressive jpeg': await larger.clone().jpeg({ progressive: true }).toBuffer(),
      'cmyk jpeg': await larger.clone().toColourspace('cmyk').jpeg().toBuffer(),
      'jpeg turned by EXIF': await larger.clone().rotate(90).jpeg().withMetadata({ orientation: 8 }).toBuffer(),
    };
    for (const [kind, body] of Object.entries(read)) {
      const answer = await ask(url, { method: 'PUT', body });
      const [best] = JSON.parse(answer.body.toString()) as { label: string }[];
      assert.equal(best?.label, 'seven', kind);
    }
    const refused: Record<string, Buffer> = {
      gif: await seven.clone().gif().toBuffer(),
      svg: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"/>'),
      text: Buffer.from('seven\n'),
      'jpeg cut short': (read['jpeg'] as Buffer).subarray(0, 600),
      'png that says it has 400 million pixels': withSize(read['png'] as Buffer, 20_000, 20_000),
    };
    for (const [kind, body] of Object.entries(refused)) {
      const answer = await ask(url, { method: 'PUT', body });
      assert.deepEqual([answer.status, answer.json()['reason']], [400, 'INVALID_IMAGE'], kind);
    }
    const one = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    assert.equal((await ask(url, { body: one })).status, 200, 'a single pixel is a picture');
    const form = new FormData();
    form.set('data', new Blob([new Uint8Array(read['png'] as Buffer)], { type: 'image/png' }), 'seven.png');
    const posted = await fetch(url, { method: 'POST', body: form });
    assert.equal(((await posted.json()) as { label: string }[])[0]?.label, 'seven', 'as curl -F sends it');
  });

  test('the client is told where the time went, and ends a call when its caller does', async () => {
    const inputs = [tensor('x', 'FP32', [1, 4], [1, 2, 3, 4])];
    for (const url of [platform.http, platform.grpc.replace('http', 'grpc')]) {
      await using client = openClient({ url });
      const result = await client.infer({ model: 'doubler', inputs });
      assert.deepEqual([...result.output('y', 'FP32')], doubled);
      if (url === platform.http) assert.deepEqual(Object.keys(result.timing), ['queue', 'compute', 'total']);
      await assert.rejects(client.infer({ model: 'doubler', inputs }, AbortSignal.abort()), { code: 'CANCELLED' });
      await assert.rejects(client.infer({ model: 'doublr', inputs }), (error: unknown) => {
        assert.ok(error instanceof FlyballError);
        assert.equal(error.code, 'MODEL_NOT_FOUND');
        return /did you mean doubler/.test(error.message);
      });
      const metadata = await client.modelMetadata('digits');
      assert.equal(metadata.properties?.['takes_files'], 'true');
    }
  });
});
