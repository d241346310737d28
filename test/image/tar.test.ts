/** What is written is read by the system's tar, which knows nothing of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { tarOf, type Entry } from '../../deploy/image/tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-tar-'));
after(() => rmSync(folder, { recursive: true }));

const archived = (entries: readonly Entry[]): Promise<Buffer> => buffer(Readable.from(tarOf(entries)));

const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,40}$/);
const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
const mode = fc.constantFrom(0o644, 0o755, 0o600);
const file = fc.record({
  path,
  kind: fc.constant('file' as const),
  mode,
  content: fc.uint8Array({ maxLength: 1500 }),
});
/** No path is that of another's folder. */
const files = fc
  .uniqueArray(file, { maxLength: 8, selector: (entry) => entry.path })
  .filter((list) => list.every(({ path: one }) => list.every(({ path: other }) => !other.startsWith(`${one}/`))));

test('the system unpacks what was packed: content, permissions, owner by number', async () => {
  await fc.assert(
    fc.asyncProperty(files, async (entries) => {
      const target = mkdtempSync(join(folder, 'x-'));
      const input = await archived(entries);
      execFileSync('tar', ['--extract', '--preserve-permissions', '--no-same-owner', '-C', target], { input });
      for (const entry of entries) {
        const at = join(target, entry.path);
        assert.deepEqual(new Uint8Array(readFileSync(at)), new Uint8Array(entry.content));
        assert.equal(statSync(at).mode & 0o777, entry.mode);
      }
    }),
    { numRuns: 25 },
  );
});

test('the order in which files are given does not matter', async () => {
  await fc.assert(
    fc.asyncProperty(files, async (entries) => {
      assert.deepEqual(await archived(entries), await archived(entries.toReversed()));
    }),
    { numRuns: 25 },
  );
});

test('owner, sticky bit and long paths arrive', async () => {
  const long = `${'folder-of-a-long-name/'.repeat(6)}${'file'.repeat(20)}`;
  const input = await archived([
    { path: 'tmp', kind: 'directory', mode: 0o1777 },
    { path: 'data', kind: 'directory', mode: 0o755, owner: 65532 },
    { path: long, kind: 'file', mode: 0o644, content: Buffer.from('x') },
  ]);
  const listed = execFileSync('tar', ['--list', '--verbose', '--numeric-owner'], { input, encoding: 'utf8' });
  assert.match(listed, /^drwxrwxrwt 0\/0 .* tmp\/$/m);
  assert.match(listed, /^drwxr-xr-x 65532\/65532 .* data\/$/m);
  assert.ok(listed.includes(long));
});

test('what it cannot hold is refused', async () => {
  const entry = { kind: 'file', mode: 0o644, content: Buffer.from('x') } as const;
  await assert.rejects(archived([{ ...entry, path: 'n'.repeat(101) }]), /expected a path of at most 100 bytes/);
  const source = join(folder, 'growing');
  writeFileSync(source, 'four');
  const grown = { ...entry, path: 'growing', content: { source, bytes: 3 } };
  await assert.rejects(archived([grown]), /expected 3 bytes, came 4/);
});
