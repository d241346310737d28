import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { seriesConformance } from '../../testing/conformance/series.ts';
import { openMemorySeries } from '../../testing/memory-series.ts';
import { openFileSeries } from './files.ts';

const hour = Date.UTC(2026, 10, 29, 14);

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'flyball-series-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

seriesConformance('series in files', async () => {
  const { path, ...disposable } = await folder();
  return { ...disposable, open: async () => openFileSeries(join(path, 'series')) };
});

seriesConformance('series in memory', async () => {
  const log = openMemorySeries();
  return { open: async () => log, async [Symbol.asyncDispose]() {} };
});

test('half a line that a kill has left takes no whole one with it', async () => {
  await using place = await folder();
  const blocks = new Map([['digits', [{ at: hour, length: 1, arrivals: 3 }]]]);
  await openFileSeries(place.path).append('fine', hour, [{ from: hour, to: hour + 1000 }], blocks);
  const file = join(place.path, 'fine/2026-11-29T14/digits.ndjson');
  await appendFile(file, '{"at":1764424801000,"len');
  const log = openFileSeries(place.path);
  const later = { at: hour + 2000, length: 1, arrivals: 4 };
  await log.append('fine', hour, [], new Map([['digits', [later]]]));
  const read = await log.read('fine', hour, 'digits');
  assert.deepEqual(read.blocks, [...(blocks.get('digits') ?? []), later]);
});

test('lines that are no blocks are left out, whatever they are', async () => {
  await using place = await folder();
  const log = openFileSeries(place.path);
  await log.append('fine', hour, [], new Map([['a', [{ at: hour, length: 1 }]]]));
  const file = join(place.path, 'fine/2026-11-29T14/a.ndjson');
  const bad = ['null', '7', '[]', '{"at":-1,"length":1}', '{"at":1,"length":1e9}', '{"at":1,"length":2,"late":[1]}'];
  await writeFile(file, `${await readFile(file, 'utf8')}${bad.join('\n')}\n{"at":1,"length":1,"late":"x"}\n`);
  assert.equal((await log.read('fine', hour, 'a')).blocks.length, 1);
});
