import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { noKeys, readKeyTable, writePrivateFile } from './key-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-keys-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a private file can be read by its owner alone, also where another one was before', async () => {
  const path = join(folder, 'private');
  writeFileSync(`${path}.new`, 'left behind', { mode: 0o644 });
  await writePrivateFile(path, 'secret');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(path, 'utf8'), 'secret');
});

test('what is not a whole table lets nobody in', () => {
  const path = join(folder, 'table.json');
  assert.equal(readKeyTable(path), noKeys);
  for (const text of ['', '{"revision":1,"keys":[{"id"', '{"revision":3}', 'null', '[]']) {
    writeFileSync(path, text);
    assert.equal(readKeyTable(path), noKeys, text);
  }
});
