import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { versionOf } from '../../testing/conformance/store-records.ts';
import { storeConformance } from '../../testing/conformance/store.ts';
import { migrate, migrations } from './sqlite-migrations.ts';
import { openSqliteStore } from './sqlite.ts';

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'flyball-store-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

storeConformance('sqlite in a file', async () => {
  const { path, ...disposable } = await folder();
  return { ...disposable, durable: true, open: async () => openSqliteStore(join(path, 'flyball.db')) };
});

storeConformance('sqlite in memory', async () => ({
  durable: false,
  open: async () => openSqliteStore(':memory:'),
  async [Symbol.asyncDispose]() {},
}));

test('a store written by a newer Flyball is refused', async () => {
  await using place = await folder();
  const path = join(place.path, 'flyball.db');
  await openSqliteStore(path)[Symbol.asyncDispose]();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => openSqliteStore(path), { code: 'STORE_TOO_NEW', message: /schema version 99/ });
});

test('an older store is brought forward with what it holds', () => {
  const database = new DatabaseSync(':memory:');
  const steps = ['CREATE TABLE a (x TEXT)', "ALTER TABLE a ADD COLUMN y TEXT DEFAULT 'new'"];
  migrate(database, 'here', steps.slice(0, 1));
  database.exec("INSERT INTO a (x) VALUES ('kept')");
  migrate(database, 'here', steps);
  migrate(database, 'here', steps);
  assert.deepEqual({ ...database.prepare('SELECT * FROM a').get() }, { x: 'kept', y: 'new' });
});

test('a migration that fails leaves the version before it', () => {
  const database = new DatabaseSync(':memory:');
  const steps = [...migrations, 'CREATE TABLE half (x TEXT); CREATE TABLE broken ('];
  assert.throws(() => migrate(database, 'here', steps));
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], migrations.length);
  assert.equal(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'half'").get(), undefined);
});

test("another program's database is left alone", async () => {
  await using place = await folder();
  const path = join(place.path, 'flyball.db');
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE theirs (x TEXT)');
  database.close();
  assert.throws(() => openSqliteStore(path), { code: 'DATA_DIR_UNUSABLE', message: /another program/ });
});

test('a file that is no database, or is damaged, is a clear error', async () => {
  await using place = await folder();
  const path = join(place.path, 'flyball.db');
  await writeFile(path, 'this is text and has never been anything else, however long one looks at it'.repeat(10));
  assert.throws(() => openSqliteStore(path), { code: 'DATA_DIR_UNUSABLE', message: /restore a backup/ });
  assert.throws(() => openSqliteStore(join(place.path, 'none', 'flyball.db')), {
    code: 'DATA_DIR_UNUSABLE',
    message: /none\/flyball\.db: it cannot be opened/,
  });
});

test('what was committed is there after the process is gone without closing', async () => {
  await using place = await folder();
  const path = join(place.path, 'flyball.db');
  const first = openSqliteStore(path);
  await first.addVersion(versionOf('digits', 1));
  // The first connection is still open, as one that was killed would have left its log.
  const second = openSqliteStore(path);
  assert.deepEqual(await second.models(), ['digits']);
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
});

test('a change of a store whose file is gone, or another one by now, is refused rather than lost', async () => {
  await using place = await folder();
  const path = join(place.path, 'flyball.db');
  await using store = openSqliteStore(path);
  const change = () => store.transaction((access) => access.setMeta('key', 'value'));
  await change();
  await rename(path, `${path}.away`);
  await assert.rejects(change(), { code: 'DATA_DIR_UNUSABLE', message: /moved, removed or replaced/ });
  await writeFile(path, '');
  await assert.rejects(change(), { code: 'DATA_DIR_UNUSABLE' });
  await rename(`${path}.away`, path);
  await change();
});

test('a closed store says so', async () => {
  const store = openSqliteStore(':memory:');
  await store[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await assert.rejects(store.models(), /after it was closed/);
});
