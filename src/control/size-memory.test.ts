import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { openSizeMemory } from './size-memory.ts';

const mebibyte = 1_048_576;

test('sizes outlive control; what is near to what was written is not written again, and the oldest template goes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fb-'));
  try {
    await using store = openSqliteStore(join(directory, 'flyball.db'));
    let writes = 0;
    const counting = {
      ...store,
      setMeta(key: string, value: string) {
        writes += 1;
        return store.setMeta(key, value);
      },
    };
    const memory = openSizeMemory(counting);
    assert.deepEqual(await memory.read('a'), new Map());
    for (const name of ['a', 'b']) memory.note(name, '1/x', 100 * mebibyte);
    await turn();
    assert.equal(writes, 1, 'one write for both');
    memory.note('a', '1/x', 110 * mebibyte);
    await turn();
    assert.equal(writes, 1);
    memory.note('a', '1/x', 120 * mebibyte);
    for (const template of ['2/x', '3/x', '4/x', '5/x']) memory.note('a', template, 7);
    memory.forget('b');
    await turn();

    const next = openSizeMemory(store);
    assert.deepEqual([...(await next.read('a')).keys()], ['2/x', '3/x', '4/x', '5/x']);
    assert.deepEqual(await next.read('b'), new Map());
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
