/** What a user gets wrong before anything runs, and what the platform says to it. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { openSqliteStore } from '../../src/drivers/stores/sqlite.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform } from '../support/platform.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'flyball-test-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function specificationAt(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('a busy port is an error that names the key, the port and the holder', async () => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as net.AddressInfo;
  const path = specificationAt(
    'busy.yaml',
    `listeners: { http: { port: ${port} }, grpc: { port: 0 }, metrics: { port: 0 }, control: { port: 0 } }\n`,
  );
  const { code, stderr, stdout } = await runCli(['up', path, '--data-dir', join(folder, 'busy')]);
  holder.close();
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, new RegExp(`listeners\\.http.*${port}.*pid ${process.pid}`, 's'));
});

test('a misspelt key is an error with its line and the nearest valid key', async () => {
  const path = specificationAt(
    'misspelt.yaml',
    'deployments:\n  digits:\n    model: digits\n    replica: { min: 1 }\n',
  );
  const { code, stderr } = await runCli(['up', path, '--data-dir', join(folder, 'misspelt')]);
  assert.equal(code, 2);
  assert.match(stderr, /misspelt\.yaml:4/);
  assert.match(stderr, /replicas/);
});

test('a second `up` on the same data directory is refused and says who has it', async () => {
  await using platform = await startPlatform({ specification: {} });
  const { code, stderr } = await runCli(['up', platform.specificationPath, '--data-dir', platform.dataDirectory]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`pid ${platform.process.pid}`));
});

test('a data directory that cannot be one is an error that names it', async () => {
  const file = specificationAt('a-file', 'not a folder');
  const path = specificationAt(
    'empty.yaml',
    'listeners: { http: { port: 0 }, grpc: { port: 0 }, metrics: { port: 0 }, control: { port: 0 } }\n',
  );
  const { code, stderr } = await runCli(['up', path, '--data-dir', file]);
  assert.equal(code, 1);
  assert.match(stderr, /a-file/);
  if (process.getuid?.() === 0) return; // root may write anywhere: the permission itself cannot be shown
  const readOnly = join(folder, 'read-only');
  mkdirSync(readOnly);
  chmodSync(readOnly, 0o500);
  const refused = await runCli(['up', path, '--data-dir', join(readOnly, 'data')]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /read-only/);
});

test('a store of a newer Flyball is left as it is, and the error says so, in the foreground and detached', async () => {
  const path = specificationAt(
    'newer.yaml',
    'listeners: { http: { port: 0 }, grpc: { port: 0 }, metrics: { port: 0 }, control: { port: 0 } }\n',
  );
  const dataDirectory = join(folder, 'newer');
  mkdirSync(dataDirectory);
  const file = join(dataDirectory, 'flyball.db');
  await openSqliteStore(file)[Symbol.asyncDispose]();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 99');
  database.close();
  for (const more of [[], ['--detach']]) {
    const { code, stderr } = await runCli(['up', path, '--data-dir', dataDirectory, ...more]);
    assert.equal(code, 1);
    assert.match(stderr, /flyball\.db has schema version 99, this Flyball knows up to \d+; use the newer one/);
    assert.match(stderr, /STORE_TOO_NEW/);
    assert.doesNotMatch(stderr, /detached|fault of Flyball/);
  }
});

test('a start that fails after the platform was up ends it and says so by its exit code', async () => {
  await using platform = await startPlatform({
    models: { 'm/1/model.onnx': multiplier(2) },
    specification: { models: { m: { path: './models/m' } }, deployments: { m: { model: 'm' } } },
  });
  await platform.serving();
  await platform.end('SIGTERM');
  // A version never changes under its name.
  writeFileSync(join(platform.folder, 'models/m/1/model.onnx'), multiplier(3));
  for (const more of [[], ['--detach']]) {
    const args = ['up', platform.specificationPath, '--data-dir', platform.dataDirectory, ...more];
    const { code, stderr } = await runCli(args);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /a version never changes/);
    assert.doesNotMatch(stderr, /detached/);
  }
});

test('with nothing running, status says so, says what to do, and exits 5', async () => {
  const { code, stderr, stdout } = await runCli(['status'], { FLYBALL_URL: 'http://127.0.0.1:9' });
  assert.equal(code, 5);
  assert.equal(stdout, '');
  assert.match(stderr, /flyball up/);
});
