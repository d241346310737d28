import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRest, type RawReply } from '../../testing/rest-server.ts';
import { tableService } from '../../testing/table-service.ts';

const png = Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1');
const value = (reply: RawReply): unknown => JSON.parse(reply.body.toString('utf8'));
const octets = { 'content-type': 'application/octet-stream' };
const asJson = { 'content-type': 'application/json' };

test('a file is passed on as it is, put or posted, with and without a content type', async () => {
  await using server = await startRest(tableService());
  const expected = { bytes: png.byteLength, contentType: null };
  assert.deepEqual(value(await server.send('PUT', '/predictions/sizes', png)), expected);
  assert.deepEqual(value(await server.send('POST', '/predictions/sizes/1', png)), expected);
  const named = await server.send('POST', '/predictions/sizes', png, { 'content-type': 'image/png' });
  assert.deepEqual(value(named), { bytes: png.byteLength, contentType: 'image/png' });
});

test('a form with one file is that file', async () => {
  await using server = await startRest(tableService());
  const form = Buffer.concat([
    Buffer.from(
      '--b0\r\nContent-Disposition: form-data; name="data"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n',
    ),
    png,
    Buffer.from('\r\n--b0--\r\n'),
  ]);
  const type = { 'content-type': 'multipart/form-data; boundary=b0' };
  const reply = await server.send('POST', '/predictions/sizes', form, type);
  assert.deepEqual(value(reply), { bytes: png.byteLength, contentType: 'image/png' });
  assert.equal((await server.send('POST', '/predictions/sizes', form.subarray(0, 60), type)).status, 400);
});

test('a V2 message, a list, an object with data and an object by input names are all read', async () => {
  await using server = await startRest(tableService());
  const row = [1, 2, 3];
  const expected = { OUTPUT0: [row] };
  const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1, 3], data: row }];
  for (const body of [row, [row], { data: row }, { INPUT0: [row] }, { inputs }]) {
    const reply = await server.send('POST', '/predictions/identity_int32', JSON.stringify(body), asJson);
    assert.deepEqual(value(reply), expected, JSON.stringify(body));
  }
  const curl = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.deepEqual(value(await server.send('POST', '/predictions/identity_int32', '[1,2,3]', curl)), expected);
});

test('several inputs need their names', async () => {
  await using server = await startRest(tableService());
  const ones = Array.from({ length: 16 }, () => 1);
  const good = await server.send('POST', '/predictions/addsub', JSON.stringify({ INPUT0: ones, INPUT1: ones }), asJson);
  assert.deepEqual((value(good) as { OUTPUT0: number[][] }).OUTPUT0, [ones.map(() => 2)]);
  assert.equal((await server.send('POST', '/predictions/addsub', JSON.stringify(ones), asJson)).status, 400);
});

test('nested and flat data find the shape that the model declares', async () => {
  await using server = await startRest(tableService());
  const image = [
    [1, 2],
    [3, 4],
  ];
  for (const body of [[image], image, [1, 2, 3, 4]]) {
    const reply = await server.send('POST', '/predictions/image_fp32', JSON.stringify(body), asJson);
    assert.deepEqual(value(reply), { OUTPUT0: [image] }, JSON.stringify(body));
  }
  const two = await server.send('POST', '/predictions/image_fp32', JSON.stringify([image, image]), asJson);
  assert.deepEqual(value(two), { OUTPUT0: [image, image] });
  const wrong = await server.send('POST', '/predictions/image_fp32', '[1,2,3]', asJson);
  assert.equal(wrong.status, 400);
  assert.match(wrong.body.toString(), /expected data of shape \[-1,2,2\], got \[3\]/);
});

test('raw bytes are the one input of a model that takes no files', async () => {
  await using server = await startRest(tableService());
  const bytes = new Uint8Array(new Float32Array([0.5, -1]).buffer);
  const reply = await server.send('POST', '/predictions/identity_fp32', bytes, octets);
  assert.deepEqual(value(reply), { OUTPUT0: [[0.5, -1]] });
  assert.equal((await server.send('POST', '/predictions/identity_fp32', bytes.subarray(1), octets)).status, 400);
});

test('an empty body, an unknown model and an unknown version are typed errors', async () => {
  await using server = await startRest(tableService());
  assert.equal((await server.send('POST', '/predictions/sizes')).status, 400);
  assert.equal((await server.send('POST', '/predictions/nobody', png)).status, 404);
  assert.equal((await server.send('POST', '/predictions/sizes/9', png)).status, 404);
  assert.equal((await server.send('POST', '/predictions/sizes/1/2', png)).status, 404);
});

test('ping says Healthy', async () => {
  await using server = await startRest(tableService());
  assert.deepEqual(value(await server.send('GET', '/ping')), { status: 'Healthy' });
  assert.deepEqual(value(await server.send('POST', '/ping')), { status: 'Healthy' });
});
