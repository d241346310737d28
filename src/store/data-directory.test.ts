import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { directoryError } from './directory-failure.ts';
import { holderOf, openDataDirectory, readAnnouncement } from './data-directory.ts';
import { chooseRunDirectory, openRunDirectory, socketNameBytesMax, socketPathBytesMax } from './run-directory.ts';

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const announcement = { pid: 4711, startedAt: 0, listeners: { control: { url: 'http://127.0.0.1:8080' } } };

test('a data directory is made where there is none, private to its user', async () => {
  await using place = await folder();
  const path = join(place.path, 'deep', 'data');
  await using directory = await openDataDirectory(path);
  assert.equal(directory.path, path);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.equal((await stat(directory.runDirectory)).mode & 0o777, 0o700);
  assert.equal(directory.runDirectory, join(path, 'run'));
});

test('a second holder is refused with the first one named, until the first lets go', async () => {
  await using place = await folder();
  assert.equal(holderOf(place.path), undefined);
  const first = await openDataDirectory(place.path);
  await assert.rejects(openDataDirectory(place.path), { code: 'DATA_DIR_LOCKED', message: /just starting/ });
  first.announce(announcement);
  await assert.rejects(openDataDirectory(place.path), {
    code: 'DATA_DIR_LOCKED',
    message: /pid 4711, since 1970-01-01T00:00:00\.000Z, http:\/\/127\.0\.0\.1:8080/,
  });
  assert.deepEqual(holderOf(place.path), { announcement });
  await first[Symbol.asyncDispose]();
  assert.equal(holderOf(place.path), undefined);
  assert.equal(readAnnouncement(place.path), undefined);
  await using _second = await openDataDirectory(place.path);
});

test('a killed holder holds nothing, whatever files it left', async () => {
  await using place = await folder();
  const module = new URL('data-directory.ts', import.meta.url).href;
  const program = `
    const { openDataDirectory } = await import(${JSON.stringify(module)});
    const directory = await openDataDirectory(${JSON.stringify(place.path)});
    directory.announce({ pid: process.pid, startedAt: Date.now(), listeners: {} });
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await assert.rejects(openDataDirectory(place.path), { message: new RegExp(`pid ${child.pid}`) });
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(readAnnouncement(place.path)?.pid, child.pid);
  await using _directory = await openDataDirectory(place.path);
});

test('what is no directory is a clear error', async () => {
  await using place = await folder();
  const file = join(place.path, 'file');
  await writeFile(file, '');
  for (const path of [file, join(file, 'data')]) {
    await assert.rejects(openDataDirectory(path), {
      code: 'DATA_DIR_UNUSABLE',
      message: /is a file; name a directory/,
    });
  }
});

test('a full disk, a read-only one and missing rights each say what to do', () => {
  const said = (code: string) =>
    directoryError('/data', Object.assign(new Error(`${code}: refused`), { code })).message;
  assert.match(said('ENOSPC'), /^\/data: the disk is full; make room/);
  assert.match(said('EROFS'), /read-only; name another/);
  assert.match(said('EACCES'), /may not write there; give it the right/);
  assert.match(said('EWEIRD'), /cannot be used \(EWEIRD: refused\)/);
});

test('sockets go where their path is short enough, and always to the same place', () => {
  const deep = `/${'very-deep/'.repeat(12)}data`;
  const chosen = chooseRunDirectory(deep, '/tmp');
  assert.match(chosen, /^\/tmp\/flyball-\d+-[0-9a-f]{12}$/);
  assert.equal(chooseRunDirectory(deep, '/tmp'), chosen);
  assert.notEqual(chooseRunDirectory(`${deep}2`, '/tmp'), chosen);
  assert.match(chooseRunDirectory(deep, deep), /^\/tmp\//);
  assert.ok(chosen.length + 1 + socketNameBytesMax <= socketPathBytesMax);
});

test('a folder for sockets that is not ours is refused', async () => {
  await using place = await folder();
  const deep = join(place.path, 'd'.repeat(100));
  const chosen = chooseRunDirectory(deep, place.path);
  await mkdir(join(place.path, 'elsewhere'));
  await symlink(join(place.path, 'elsewhere'), chosen);
  await assert.rejects(openRunDirectory(deep, place.path), { code: 'DATA_DIR_UNUSABLE' });
  await rm(chosen);
  const run = await openRunDirectory(deep, place.path);
  await run.remove();
  assert.deepEqual(await readdir(place.path), ['elsewhere']);
});
