import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../errors.ts';
import { writeZip, type ZipPart } from '../testing/zip-writer.ts';
import { openZip, zipLimits, type ZipLimits } from './zip.ts';

async function place(bytes: Uint8Array): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'fb-zip-'));
  const path = join(folder, 'a.zip');
  await writeFile(path, bytes);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Reads the whole, as an import would. */
async function readAll(bytes: Uint8Array, limits: ZipLimits = zipLimits): Promise<Record<string, string>> {
  await using file = await place(bytes);
  const archive = await openZip(file.path, limits);
  const read: Record<string, string> = {};
  for (const entry of archive.entries) read[entry.name] = (await archive.read(entry, 2 ** 30)).toString('latin1');
  return read;
}

const refused = (bytes: Uint8Array, message: RegExp, limits?: ZipLimits) =>
  assert.rejects(readAll(bytes, limits), (error: unknown) => {
    assert.ok(error instanceof FlyballError, String(error));
    assert.ok(error.code === 'INVALID_MODEL' || error.code === 'TOO_LARGE', error.code);
    assert.match(error.message, message);
    return true;
  });

test('files come out as they went in, stored and deflated, folders left out', async () => {
  const parts: ZipPart[] = [
    { name: 'a.txt', content: 'hello' },
    { name: 'sub/', content: '', stored: true },
    { name: 'sub/b.bin', content: Buffer.alloc(200_000, 'xyz'), stored: true },
    { name: 'empty', content: '' },
  ];
  const read = await readAll(writeZip(parts));
  assert.deepEqual(Object.keys(read), ['a.txt', 'sub/b.bin', 'empty']);
  assert.equal(read['sub/b.bin']?.length, 200_000);
  assert.deepEqual([read['a.txt'], read['empty']], ['hello', '']);
});

test('a name that leads elsewhere is refused, on any system', async () => {
  for (const name of ['../x', 'a/../../x', '/etc/passwd', 'C:\\x', 'c:x', 'a\\..\\x', 'a//b', './a', 'a\0b', '..', ''])
    await refused(writeZip([{ name, content: 'x' }]), /names of files inside the archive/);
  await refused(writeZip([{ name: 'l', content: '/etc/passwd', lie: { mode: 0o120_777 } }]), /symbolic link/);
  await refused(
    writeZip([
      { name: 'a', content: '1' },
      { name: 'a', content: '2' },
    ]),
    /"a" twice/,
  );
});

test('bombs end at the limits, before or while they unfold', async () => {
  const zeros = Buffer.alloc(32 * 1_048_576);
  await refused(
    writeZip([{ name: 'bomb', content: zeros }]),
    /at most 200 times its compressed size, got 10\d\d times/,
  );
  // It says that it is small; no byte more comes out.
  await refused(
    writeZip([{ name: 'liar', content: zeros, lie: { bytes: 100 } }]),
    /expected 100 bytes as the archive says, got more/,
  );
  const many = Array.from({ length: 1001 }, (_, index) => ({ name: `f${index}`, content: '' }));
  await refused(writeZip(many), /at most 1000 entries in the archive, got 1001/);
  const limits = { ...zipLimits, entryBytesMax: 10, totalBytesMax: 15 };
  await refused(writeZip([{ name: 'a', content: 'x'.repeat(11) }]), /got more at "a"/, limits);
  const two = ['a', 'b'].map((name) => ({ name, content: 'x'.repeat(8) }));
  await refused(writeZip(two), /got more at "b"/, limits);
  // Entries that share their bytes unfold to any size from one kernel.
  const kernel = { name: 'k', content: 'x'.repeat(100) };
  await refused(writeZip([kernel, { ...kernel, name: 'l', lie: { offset: 0 } }]), /shares bytes with something else/);
});

test('whatever an archive says of itself is held against what it is', async () => {
  const one = { name: 'a', content: 'some content' };
  await refused(writeZip([{ ...one, lie: { crc: 1 } }]), /"a" is damaged/);
  await refused(writeZip([{ ...one, lie: { bytes: 13 } }]), /expected 13 bytes as the archive says, got 12/);
  await refused(writeZip([{ ...one, lie: { flags: 1 } }]), /encrypted/);
  await refused(writeZip([{ ...one, lie: { method: 12 } }]), /stored or deflated, got method 12/);
  await refused(writeZip([{ ...one, lie: { localName: 'b' } }]), /is not where the archive's directory says/);
  await refused(writeZip([{ ...one, lie: { compressedBytes: 1_000_000 } }]), /shares bytes/);
  await refused(writeZip([{ ...one, stored: true, lie: { method: 8 } }]), /cannot be unpacked/);
  await refused(Buffer.from('not an archive'), /expected a ZIP archive, got 14 bytes without the end of one/);
  await refused(Buffer.alloc(0), /expected a ZIP archive/);
  await refused(
    Buffer.concat([Buffer.from('#!/bin/sh\n'), writeZip([one])]),
    /expected the directory right before the end/,
  );
});

test('an archive with any byte changed, cut or added is refused or read as it was, and nothing else happens', async () => {
  const whole = writeZip([
    { name: 'a.txt', content: 'hello hello hello' },
    { name: 'b/c', content: 'stored', stored: true },
  ]);
  const before = await readAll(whole);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.byteLength - 1),
      fc.nat(255),
      fc.constantFrom('change', 'cut', 'add'),
      async (at, byte, how) => {
        const bytes =
          how === 'cut'
            ? whole.subarray(0, at)
            : how === 'add'
              ? Buffer.concat([whole.subarray(0, at), Buffer.of(byte), whole.subarray(at)])
              : Buffer.from(whole);
        if (how === 'change') bytes[at] = byte;
        try {
          const read = await readAll(bytes);
          // Names are the one thing without a checksum.
          assert.deepEqual(Object.values(read).toSorted(), Object.values(before).toSorted());
        } catch (error) {
          assert.ok(error instanceof FlyballError, String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a file that is larger than it is wanted is not read', async () => {
  await using file = await place(writeZip([{ name: 'a', content: 'x'.repeat(100) }]));
  const archive = await openZip(file.path);
  const entry = archive.find('a');
  assert.ok(entry !== undefined);
  await assert.rejects(archive.read(entry, 99), { code: 'TOO_LARGE' });
  assert.equal(archive.find('__proto__'), undefined);
  assert.ok((await readFile(file.path)).byteLength > 0);
});
