/** docs/guarantees.md names tests; a promise whose test is gone is none. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../', import.meta.url);

test('every test that docs/guarantees.md names is there, by its file and by the beginning of its title', () => {
  const text = readFileSync(new URL('docs/guarantees.md', root), 'utf8');
  const named = [...text.matchAll(/`((?:src|test)\/[^`]+?\.test\.ts) ›(?: ([^`]+))?`/g)];
  assert.ok(named.length > 50, `${named.length} are named`);
  const missing = named.flatMap(([whole, file = '', title]) => {
    const path = new URL(file, root);
    if (!existsSync(path)) return [`${whole}: no such file`];
    return title === undefined || readFileSync(path, 'utf8').includes(title) ? [] : [`${whole}: no such title`];
  });
  assert.deepEqual(missing, []);
});
