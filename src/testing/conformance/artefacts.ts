/**
 * What a store of artefacts must do, whether its bytes are files alone or are shared through a database as well. After
 * `elsewhere` whatever was put is looked for where the next control would be: on the same files, or on another machine.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readdir, writeFile } from 'node:fs/promises';
import type { ArtefactSource, ArtefactStore, ArtefactStoreOptions } from '../../registry/artefacts.ts';
import { digestOfBytes } from '../../registry/digest.ts';

export interface ArtefactsUnderTest extends AsyncDisposable {
  /** What the next control opens, after the one before is gone. */
  open(options?: ArtefactStoreOptions): Promise<ArtefactStore>;
  /** Changes one byte of what is kept, and not its length. */
  damage(digest: string): Promise<void>;
}

async function* chunks(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
export const streamOf = (...texts: readonly (string | Uint8Array)[]): ArtefactSource => ({
  kind: 'stream',
  stream: chunks(...texts),
});

/** Larger than any chunk that a database may be given, and no multiple of one. */
const large = Buffer.alloc(2_500_001, 'weights of a model ');

export const unfinishedIn = ({ root }: ArtefactStore): Promise<readonly string[]> => readdir(join(root, 'tmp'));

export function artefactConformance(
  name: string,
  make: () => Promise<ArtefactsUnderTest>,
  { skip = false }: { readonly skip?: string | false } = {},
): void {
  const check = (
    title: string,
    body: (artefacts: ArtefactStore, place: ArtefactsUnderTest) => Promise<void>,
    options?: ArtefactStoreOptions,
  ): void => {
    void test(`${name}: ${title}`, { skip }, async () => {
      await using place = await make();
      await body(await place.open(options), place);
    });
  };

  check('bytes are kept under their digest, once, however they come', async (artefacts, elsewhere) => {
    const digest = digestOfBytes('hello world');
    assert.deepEqual(await artefacts.put(streamOf('hello ', 'world')), { digest, bytes: 11, added: true });
    const file = join(artefacts.root, 'file');
    await writeFile(file, 'hello world');
    assert.deepEqual(await artefacts.put({ kind: 'path', path: file }, digest), { digest, bytes: 11, added: false });
    assert.deepEqual(await artefacts.put({ kind: 'digest', digest }), { digest, bytes: 11, added: false });
    assert.deepEqual(await artefacts.list(), [digest]);
    const later = await elsewhere.open();
    assert.deepEqual(await later.put({ kind: 'digest', digest }), { digest, bytes: 11, added: false });
    assert.deepEqual(await later.put(streamOf('hello world')), { digest, bytes: 11, added: false });
    assert.equal(await readFile(await later.path(digest), 'utf8'), 'hello world');
  });

  check(
    'what was put is whole wherever the next control is, at the place that it was said to have',
    async (first, elsewhere) => {
      const digest = digestOfBytes(large);
      const empty = digestOfBytes('');
      await first.put(streamOf(large.subarray(0, 7), large.subarray(7)), digest);
      await first.put(streamOf());
      const later = await elsewhere.open();
      assert.deepEqual(
        [await later.find(digest), await later.find(empty)],
        [
          { digest, bytes: large.byteLength },
          { digest: empty, bytes: 0 },
        ],
      );
      const place = await later.place(digest);
      const paths = await Promise.all([later.path(digest), later.path(digest), later.path(empty)]);
      assert.deepEqual(paths.slice(0, 2), [place, place]);
      assert.ok(large.equals(await readFile(place)));
      assert.equal((await readFile(paths[2] ?? '')).byteLength, 0);
      assert.deepEqual(await unfinishedIn(later), []);
      await later.verify(digest);
    },
  );

  check('the same bytes put at the same time are kept once and whole', async (artefacts) => {
    const put = await Promise.all(Array.from({ length: 5 }, () => artefacts.put(streamOf('same', ' bytes'))));
    assert.equal(new Set(put.map(({ digest }) => digest)).size, 1);
    await artefacts.verify(put[0]?.digest ?? '');
    assert.deepEqual(await unfinishedIn(artefacts), []);
  });

  check(
    'an upload that breaks off, lies about its digest or is too long leaves nothing',
    async (artefacts, elsewhere) => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        throw new Error('hung up');
      }
      const none = join(artefacts.root, 'none');
      await assert.rejects(artefacts.put({ kind: 'stream', stream: broken() }), /hung up/);
      await assert.rejects(artefacts.put(streamOf('short'), digestOfBytes('other')), { code: 'DIGEST_MISMATCH' });
      await assert.rejects(artefacts.put(streamOf('too long', ' by far')), { code: 'TOO_LARGE', message: /10 bytes/ });
      await assert.rejects(artefacts.put(streamOf('x'), undefined, AbortSignal.abort()), { name: 'AbortError' });
      await assert.rejects(artefacts.put({ kind: 'path', path: none }), { code: 'ARTEFACT_NOT_FOUND' });
      assert.deepEqual([await artefacts.list(), await unfinishedIn(artefacts)], [[], []]);
      assert.deepEqual(await (await elsewhere.open()).list(), []);
    },
    { bytesMax: 10 },
  );

  check('what was removed is gone everywhere, and may be put again', async (artefacts, elsewhere) => {
    const { digest } = await artefacts.put(streamOf(large));
    const other = await artefacts.put(streamOf('other'));
    await artefacts.remove(digest);
    await artefacts.remove(digest);
    const later = await elsewhere.open();
    assert.deepEqual([await later.find(digest), await later.list()], [undefined, [other.digest]]);
    await assert.rejects(later.path(digest), { code: 'ARTEFACT_NOT_FOUND' });
    await assert.rejects(later.place(digest), { code: 'ARTEFACT_NOT_FOUND' });
    assert.equal((await later.put(streamOf(large))).added, true);
  });

  check('bytes that were changed where they are kept are found out', async (artefacts, elsewhere) => {
    const { digest } = await artefacts.put(streamOf('as it was'));
    await artefacts.verify(digest);
    await elsewhere.damage(digest);
    await assert.rejects((await elsewhere.open()).verify(digest), {
      code: 'DIGEST_MISMATCH',
      message: new RegExp(digest),
    });
  });

  check('nothing but a digest becomes a path', async (artefacts) => {
    const wrong = ['', 'sha256:../../etc/passwd', 'sha256:abc', `sha256:${'A'.repeat(64)}`, `md5:${'a'.repeat(64)}`];
    for (const digest of wrong) {
      await assert.rejects(artefacts.path(digest), { code: 'INVALID_NAME' });
      await assert.rejects(artefacts.place(digest), { code: 'INVALID_NAME' });
      await assert.rejects(artefacts.put(streamOf('x'), digest), { code: 'INVALID_NAME' });
    }
    await assert.rejects(artefacts.path(digestOfBytes('none')), { code: 'ARTEFACT_NOT_FOUND' });
  });
}
