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

test('no promise is made twice, and each table has one head', () => {
  const text = readFileSync(new URL('docs/guarantees.md', root), 'utf8');
  const sections = text.split(/^## /m).slice(1);
  const rows = sections.flatMap((section) =>
    [...section.matchAll(/^\| (.+?) +\|/gm)].map(([, first = '']) => first).filter((first) => !/^[-:]+$/.test(first)),
  );
  const promises = rows.filter(
    (first) => first !== 'promise' && !first.startsWith('complaint') && !/^\d+$/.test(first),
  );
  const twice = promises.filter((first, index) => promises.indexOf(first) !== index);
  assert.deepEqual(twice, []);
  for (const section of sections) {
    const heads = section.match(/^\| promise /gm) ?? [];
    assert.ok(heads.length <= 1, section.slice(0, 40));
  }
});
