import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDataDirectory } from './data-directory.ts';
import { makeDirectory } from './make-directory.ts';

function folder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'fb-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('everything that is missing is made, for this user alone; what is there stays as it is', () => {
  using place = folder();
  const path = join(place.path, 'a', 'b', 'c');
  makeDirectory(path);
  makeDirectory(path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(place.path, 'a')).mode & 0o777, 0o700);
  makeDirectory('/');
});

test('a link to a directory is one; a file, or a link to nothing, is not', () => {
  using place = folder();
  makeDirectory(join(place.path, 'real'));
  symlinkSync(join(place.path, 'real'), join(place.path, 'link'));
  makeDirectory(join(place.path, 'link', 'below'));
  assert.ok(existsSync(join(place.path, 'real', 'below')));
  writeFileSync(join(place.path, 'file'), '');
  assert.throws(() => makeDirectory(join(place.path, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeDirectory(join(place.path, 'file', 'below')), { code: 'ENOTDIR' });
  symlinkSync(join(place.path, 'nothing'), join(place.path, 'dangling'));
  assert.throws(() => makeDirectory(join(place.path, 'dangling')), { code: 'EEXIST' });
});

test('where the system lets nobody make anything, it ends with its words', { skip: !existsSync('/proc') }, async () => {
  for (const path of ['/proc/flyball', '/proc/flyball/data', '/sys/flyball/data']) {
    assert.throws(() => makeDirectory(path));
    await assert.rejects(openDataDirectory(path), {
      code: 'DATA_DIR_UNUSABLE',
      message: /name another data directory/,
    });
  }
});
