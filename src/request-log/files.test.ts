import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openFileSink } from './files.ts';

const { signal } = new AbortController();

function place(context: TestContext, more: { worker?: number } = {}) {
  const folder = join(mkdtempSync(join(tmpdir(), 'fb-')), 'log');
  context.after(() => rmSync(join(folder, '..'), { recursive: true, force: true }));
  const settings = { folder, worker: 0, fileBytesMax: 100, totalBytesMax: 350, ...more };
  return {
    folder,
    open: () => openFileSink(settings),
    files: () => readdirSync(folder).toSorted((a, b) => (a < b ? -1 : 1)),
  };
}
const line = (number: number): string => `{"n":${String(number).padStart(20, '0')}}\n`;

test('files and their folder are for their owner alone', async (context) => {
  const { folder, open } = place(context);
  const sink = open();
  await sink.write(line(1), signal);
  sink.close();
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'requests-0.ndjson')).mode & 0o777, 0o600);
});

test('a full file is closed, lines stay whole, and the oldest go when all together are too large', async (context) => {
  const { folder, open, files } = place(context);
  const sink = open();
  for (let number = 1; number <= 40; number++) await sink.write(line(number), signal);
  sink.close();
  const names = files();
  assert.ok(names.includes('requests-0.ndjson'));
  let total = 0;
  const numbers: number[] = [];
  const ordered = [...names.filter((name) => name !== 'requests-0.ndjson'), 'requests-0.ndjson'];
  for (const name of ordered) {
    const text = readFileSync(join(folder, name), 'utf8');
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
    assert.ok(text.length <= 100, `${name} has ${text.length}`);
    total += text.length;
    for (const each of text.trimEnd().split('\n')) numbers.push(Number(/:(\d+)/.exec(each)?.[1]));
  }
  assert.ok(total <= 350, `${total} bytes`);
  // What is left is the end, without a gap.
  assert.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, index) => 41 - numbers.length + index),
  );
  assert.ok(numbers.length >= 9);
});

test('the next process goes on where the last one stopped, and leaves other workers alone', async (context) => {
  const { folder, open, files } = place(context);
  const first = open();
  await first.write(line(1) + line(2), signal);
  first.close();
  writeFileSync(join(folder, 'requests-1.000001.ndjson'), 'x'.repeat(1000));
  const second = open();
  for (let number = 3; number <= 30; number++) await second.write(line(number), signal);
  second.close();
  assert.ok(files().includes('requests-1.000001.ndjson'));
  assert.ok(
    files().includes('requests-0.000007.ndjson') || files().includes('requests-0.000006.ndjson'),
    files().join(),
  );
});

test('a line larger than a file is kept in one of its own', async (context) => {
  const { open, files, folder } = place(context);
  const sink = open();
  await sink.write(line(1), signal);
  await sink.write(`${'y'.repeat(150)}\n`, signal);
  await sink.write(line(2), signal);
  sink.close();
  assert.deepEqual(
    files().map((name) => readFileSync(join(folder, name)).length),
    [line(1).length, 151, line(2).length],
  );
});
