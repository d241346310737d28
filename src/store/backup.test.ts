import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { digestOfBytes } from '../registry/digest.ts';
import { versionOf } from '../testing/conformance/store-records.ts';
import type { KeyRecord } from './store.ts';
import { backupDataDirectory, restoreDataDirectory } from './backup.ts';
import { openDataDirectory } from './data-directory.ts';

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const contents = ['the model', 'the labels'].map((bytes) => ({ bytes, digest: digestOfBytes(bytes) }));
const record = {
  ...versionOf('digits', 1),
  file: contents[0]?.digest ?? '',
  assets: { 'labels.txt': contents[1]?.digest ?? '' },
};

const key: KeyRecord = {
  id: '0123456789ab',
  hash: 'ab'.repeat(32),
  name: 'ada',
  scopes: ['admin'],
  createdAt: 1,
  createdBy: 'ada',
};

/** A data directory with one version, still open and being written to. */
async function filled(path: string): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await openDataDirectory(path));
  const store = stack.use(openSqliteStore(directory.databasePath));
  await store.addVersion(record);
  await store.addKey(key);
  await store.addSignIn({ hash: 'a'.repeat(64), keyId: key.id, expiresAt: 9e12, usedAt: 1 });
  for (const { bytes, digest } of contents) {
    const hash = digest.slice('sha256:'.length);
    const parent = join(directory.artefactsPath, 'sha256', hash.slice(0, 2));
    await mkdir(parent, { recursive: true });
    await writeFile(join(parent, hash), bytes);
  }
  return stack.move();
}

test('a backup of a running store restores to the same records and artefacts', async () => {
  await using place = await folder();
  const [data, backup, restored] = ['data', 'backup', 'restored'].map((name) => join(place.path, name)) as [
    string,
    string,
    string,
  ];
  await using _running = await filled(data);
  const report = await backupDataDirectory(data, backup, 17);
  assert.deepEqual(report, { path: backup, versions: 1, artefacts: 2 });
  await rm(data, { recursive: true });
  await restoreDataDirectory(backup, restored);
  await using directory = await openDataDirectory(restored);
  await using store = openSqliteStore(directory.databasePath);
  assert.deepEqual(await store.versions(), [record]);
  assert.deepEqual([await store.keys(), await store.signIns()], [[key], []], 'nobody is signed in by a backup');
  const hash = record.file.slice('sha256:'.length);
  const bytes = await readFile(join(directory.artefactsPath, 'sha256', hash.slice(0, 2), hash), 'utf8');
  assert.equal(bytes, 'the model');
});

test('neither backup nor restore writes into a folder that holds anything', async () => {
  await using place = await folder();
  const data = join(place.path, 'data');
  await using _running = await filled(data);
  const taken = join(place.path, 'taken');
  await mkdir(taken);
  await writeFile(join(taken, 'mine'), '');
  await assert.rejects(backupDataDirectory(data, taken, 0), { code: 'CONFLICT', message: /holds mine/ });
  await backupDataDirectory(data, join(place.path, 'backup'), 0);
  await assert.rejects(restoreDataDirectory(join(place.path, 'backup'), taken), { code: 'CONFLICT' });
  await assert.rejects(restoreDataDirectory(join(place.path, 'backup'), data), { code: 'CONFLICT' });
});

test('half a backup is not restored, and a store without its artefacts is no backup', async () => {
  await using place = await folder();
  const data = join(place.path, 'data');
  await using _running = await filled(data);
  const backup = join(place.path, 'backup');
  await backupDataDirectory(data, backup, 0);
  await rm(join(backup, 'backup.json'));
  await assert.rejects(restoreDataDirectory(backup, join(place.path, 'new')), /not a whole backup/);
  await rm(join(data, 'artefacts'), { recursive: true });
  await assert.rejects(backupDataDirectory(data, join(place.path, 'again'), 0), { code: 'ARTEFACT_NOT_FOUND' });
  await assert.rejects(backupDataDirectory(join(place.path, 'none'), join(place.path, 'b'), 0), /no store to back up/);
});

test('an artefact whose bytes have changed on the disk is found by its digest', async () => {
  await using place = await folder();
  const data = join(place.path, 'data');
  await using _running = await filled(data);
  const backup = join(place.path, 'backup');
  await backupDataDirectory(data, backup, 0);
  const hash = record.file.slice('sha256:'.length);
  await writeFile(join(backup, 'artefacts', 'sha256', hash.slice(0, 2), hash), 'rot');
  await assert.rejects(restoreDataDirectory(backup, join(place.path, 'new')), { code: 'DIGEST_MISMATCH' });
});
