/** Lines to a file and as datagrams: bounded, whole, and true about what went wrong. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { telemetrySettings } from '../../config/telemetry-specification.ts';
import { parseLines } from '../../testing/line-parser.ts';
import { appendToFile } from './file-output.ts';
import { toDatagrams, writeOverUdp } from './udp-output.ts';

const file = (path: string, more = {}) => {
  const [found] = telemetrySettings.parse({ influx: [{ name: 'a', kind: 'file', path, ...more }] }).influx;
  assert.ok(found?.kind === 'file');
  return found;
};
async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('a file is put aside when it is large, and the oldest goes', async () => {
  await using place = await folder();
  const path = join(place.path, 'lines');
  const settings = file(path, { fileBytesMax: 4096, filesMax: 3 });
  const line = (batch: number): string => `m f="${'x'.repeat(1000)}",batch=${batch}i ${batch}`;
  for (let batch = 0; batch < 20; batch += 1) {
    assert.deepEqual(await appendToFile(settings, [line(batch)]), { kind: 'accepted' });
  }
  const kept: bigint[] = [];
  for (const name of [`${path}.2`, `${path}.1`, path]) {
    assert.ok((await stat(name)).size <= 4096);
    kept.push(...parseLines(await readFile(name, 'utf8')).map(({ at }) => at));
  }
  assert.equal(existsSync(`${path}.3`), false);
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, index) => BigInt(20 - kept.length + index)),
  );
  assert.ok(kept.length > 6);
});

test('one file alone begins anew', async () => {
  await using place = await folder();
  const path = join(place.path, 'lines');
  const settings = file(path, { fileBytesMax: 4096, filesMax: 1 });
  for (let batch = 0; batch < 9; batch += 1) await appendToFile(settings, [`m f="${'x'.repeat(1500)}" ${batch}`]);
  assert.ok((await stat(path)).size <= 4096);
  assert.equal(existsSync(`${path}.1`), false);
});

test('half a line of one that was killed spoils no line of ours, and nothing that was there is changed', async () => {
  await using place = await folder();
  const path = join(place.path, 'lines');
  await writeFile(path, 'm f=1i 1\nm f="hal');
  await appendToFile(file(path), ['m f=2i 2']);
  assert.equal(await readFile(path, 'utf8'), 'm f=1i 1\nm f="hal\nm f=2i 2\n');
});

test('a disk that is full, a folder, a place that is not there: said, and not taken', async () => {
  await using place = await folder();
  for (const [path, code] of [
    ['/dev/full', 'ENOSPC'],
    [place.path, 'EISDIR'],
    [join(place.path, 'no', 'folder'), 'ENOENT'],
  ] as const) {
    const found = await appendToFile(file(path), ['m f=1i 1']);
    assert.deepEqual(found, { kind: 'failed', why: `${path} could not be written (${code})` });
  }
});

test('datagrams hold whole lines, in order, and are never larger than allowed', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 99 })), (lines) => {
      const datagrams = toDatagrams(lines, 100);
      assert.ok(datagrams.every(({ length }) => length > 0 && length <= 100));
      assert.equal(datagrams.map(String).join(''), lines.map((line) => `${line}\n`).join(''));
    }),
  );
});

test('a listener gets each line', async () => {
  const socket = createSocket('udp4');
  try {
    const got: string[] = [];
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    const lines = Array.from({ length: 30 }, (_, index) => `m,t=${'x'.repeat(20)} f=${index}i ${index}`);
    const all = new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        assert.ok(message.length <= 256);
        got.push(...message.toString().trimEnd().split('\n'));
        if (got.length === lines.length) resolve();
      });
    });
    const { port } = socket.address();
    const [settings] = telemetrySettings.parse({
      influx: [{ name: 'a', kind: 'udp', port, datagramBytesMax: 256 }],
    }).influx;
    assert.ok(settings?.kind === 'udp');
    assert.deepEqual(await writeOverUdp(settings, lines, new AbortController().signal), { kind: 'accepted' });
    await all;
    assert.deepEqual(got, lines);
  } finally {
    socket.close();
  }
});

test('a host without an address is said', async () => {
  const [settings] = telemetrySettings.parse({
    influx: [{ name: 'a', kind: 'udp', host: 'no.such.invalid', port: 1 }],
  }).influx;
  assert.ok(settings?.kind === 'udp');
  const found = await writeOverUdp(settings, ['m f=1i 1'], new AbortController().signal);
  assert.ok(found.kind === 'failed' && found.why.startsWith('it could not be sent (E'), JSON.stringify(found));
});
