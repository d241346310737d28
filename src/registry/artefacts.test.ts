import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { artefactConformance, streamOf } from '../testing/conformance/artefacts.ts';
import { openArtefactStore } from './artefacts.ts';

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

artefactConformance('files', async () => {
  const { path, ...disposable } = await folder();
  return {
    ...disposable,
    open: (options) => openArtefactStore(path, options),
    async damage(digest) {
      const file = join(path, 'sha256', digest.slice(7, 9), digest.slice(7));
      const bytes = await readFile(file);
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      await writeFile(file, bytes);
    },
  };
});

test('a file lies under the first digits of its digest', async () => {
  await using place = await folder();
  const artefacts = await openArtefactStore(place.path);
  const { digest } = await artefacts.put(streamOf('hello world'));
  assert.equal(await artefacts.path(digest), join(place.path, 'sha256', digest.slice(7, 9), digest.slice(7)));
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
