import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openArtefactStore, type ArtefactSource } from './artefacts.ts';
import { digestOfBytes } from './digest.ts';

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
const streamOf = (...texts: readonly string[]): ArtefactSource => ({ kind: 'stream', stream: chunks(...texts) });

test('bytes are kept under their digest, once, however they come', async () => {
  await using place = await folder();
  const artefacts = await openArtefactStore(place.path);
  const digest = digestOfBytes('hello world');
  assert.deepEqual(await artefacts.put(streamOf('hello ', 'world')), { digest, bytes: 11, added: true });
  const file = join(place.path, 'file');
  await writeFile(file, 'hello world');
  assert.deepEqual(await artefacts.put({ kind: 'path', path: file }, digest), { digest, bytes: 11, added: false });
  assert.deepEqual(await artefacts.put({ kind: 'digest', digest }), { digest, bytes: 11, added: false });
  assert.deepEqual(await artefacts.list(), [digest]);
  assert.equal(await readFile(await artefacts.path(digest), 'utf8'), 'hello world');
  assert.equal(await artefacts.path(digest), join(place.path, 'sha256', digest.slice(7, 9), digest.slice(7)));
  await artefacts.remove(digest);
  await artefacts.remove(digest);
  assert.equal(await artefacts.find(digest), undefined);
});

test('the same bytes put at the same time are kept once and whole', async () => {
  await using place = await folder();
  const artefacts = await openArtefactStore(place.path);
  const put = await Promise.all(Array.from({ length: 5 }, () => artefacts.put(streamOf('same', ' bytes'))));
  assert.equal(new Set(put.map(({ digest }) => digest)).size, 1);
  await artefacts.verify(put[0]?.digest ?? '');
  assert.deepEqual(await readdir(join(place.path, 'tmp')), []);
});

test('an upload that breaks off, lies about its digest or is too long leaves nothing', async () => {
  await using place = await folder();
  const artefacts = await openArtefactStore(place.path, { bytesMax: 10 });
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half');
    throw new Error('hung up');
  }
  await assert.rejects(artefacts.put({ kind: 'stream', stream: broken() }), /hung up/);
  await assert.rejects(artefacts.put(streamOf('short'), digestOfBytes('other')), { code: 'DIGEST_MISMATCH' });
  await assert.rejects(artefacts.put(streamOf('too long', ' by far')), { code: 'TOO_LARGE', message: /10 bytes/ });
  await assert.rejects(artefacts.put(streamOf('x'), undefined, AbortSignal.abort()), { name: 'AbortError' });
  await assert.rejects(artefacts.put({ kind: 'path', path: join(place.path, 'none') }), { code: 'ARTEFACT_NOT_FOUND' });
  assert.deepEqual([await artefacts.list(), await readdir(join(place.path, 'tmp'))], [[], []]);
});

test('what a killed process left is gone at the next start, what it kept is there', async () => {
  await using place = await folder();
  const first = await openArtefactStore(place.path);
  const { digest } = await first.put(streamOf('whole'));
  await mkdir(join(place.path, 'tmp'), { recursive: true });
  await writeFile(join(place.path, 'tmp', 'half'), 'ha');
  const second = await openArtefactStore(place.path);
  assert.deepEqual([await readdir(join(place.path, 'tmp')), await second.list()], [[], [digest]]);
});

test('a disk that changed the bytes is found out', async () => {
  await using place = await folder();
  const artefacts = await openArtefactStore(place.path);
  const { digest } = await artefacts.put(streamOf('as it was'));
  await artefacts.verify(digest);
  await writeFile(await artefacts.path(digest), 'as it is');
  await assert.rejects(artefacts.verify(digest), { code: 'DIGEST_MISMATCH' });
});

test('nothing but a digest becomes a path', async () => {
  await using place = await folder();
  const artefacts = await openArtefactStore(place.path);
  for (const digest of [
    '',
    'sha256:../../etc/passwd',
    'sha256:abc',
    `sha256:${'A'.repeat(64)}`,
    `md5:${'a'.repeat(64)}`,
  ]) {
    await assert.rejects(artefacts.path(digest), { code: 'INVALID_NAME' });
    await assert.rejects(artefacts.put(streamOf('x'), digest), { code: 'INVALID_NAME' });
  }
  await assert.rejects(artefacts.path(digestOfBytes('none')), { code: 'ARTEFACT_NOT_FOUND' });
});

test('when its folder is gone under it, what is put is refused with the folder named', async () => {
  await using place = await folder();
  const root = join(place.path, 'artefacts');
  const artefacts = await openArtefactStore(root);
  await rm(root, { recursive: true });
  await assert.rejects(artefacts.put(streamOf('a')), {
    code: 'DATA_DIR_UNUSABLE',
    message: new RegExp(root),
  });
});
