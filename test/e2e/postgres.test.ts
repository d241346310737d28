/** A platform whose store is a real PostgreSQL, as somebody starts it who has read docs/store.md. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../src/testing/postgres-server.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli } from '../support/cli.ts';
import { cliPath, startPlatform, until, type Platform } from '../support/platform.ts';

const skip = withoutPostgres();
const folder = mkdtempSync(join(tmpdir(), 'flyball-with-postgres-'));
const dataDirectory = join(folder, 'data');
const otherDirectory = join(folder, 'other-machine');
const passwordFile = join(folder, 'password');
const sealKeyFile = join(folder, 'seal-key');
let server: PostgresServer;

before(async () => {
  if (skip !== false) return;
  server = await startPostgres();
  writeFileSync(passwordFile, `${server.password}\n`);
  writeFileSync(sealKeyFile, `${randomBytes(32).toString('hex')}\n`);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const specification = () => ({
  store: { kind: 'postgres', url: server.url, passwordFile, sealKeyFile, leaseMs: 3000 },
  auth: { keys: 'required' },
  models: { echo: { path: './models/echo' } },
  deployments: { echo: { model: 'echo' } },
});
const models = { 'echo/1/model.onnx': multiplier(2) };
const standsBy = (platform: Platform): Promise<true> =>
  until(
    'it to say that it stands by',
    () => /stands by: .* holds the lease/.test(platform.output().stderr) || undefined,
  );

test(
  'a platform on PostgreSQL serves on while its server is away, and goes on on another machine when its own is lost',
  { skip },
  async () => {
    await using platform = await startPlatform({ specification: specification(), models, dataDirectory });
    await platform.serving();
    const key = platform.adminKey();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const infers = async ({ http }: Platform): Promise<number> => {
      const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }];
      const body = JSON.stringify({ inputs });
      return (await fetch(`${http}/v2/models/echo/infer`, { method: 'POST', headers, body })).status;
    };
    assert.equal(await infers(platform), 200);
    await server.crash();
    assert.equal(await infers(platform), 200, 'without its store');
    await server.start();
    await until('control to answer from the store', async () => {
      const response = await fetch(`${platform.control}/api/v1/models`, { headers });
      return response.ok ? true : undefined;
    });
    const scaled = await fetch(`${platform.control}/api/v1/deployments/echo/scale`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ replicas: 1, by: 'ada' }),
    });
    assert.ok(scaled.status < 500, `${scaled.status} ${await scaled.text()}`);
    const { stdout, stderr } = platform.output();
    const log = readFileSync(join(dataDirectory, 'flyball.log'), 'utf8');
    assert.ok(![stdout, stderr, log].some((text) => text.includes(server.password)), 'no password is anywhere');

    // Another machine, that has nothing but the specification.
    {
      await using waiting = await startPlatform({ specification: specification(), dataDirectory: otherDirectory });
      await standsBy(waiting);
      const down = await runCli(['down', '--data-dir', otherDirectory]);
      assert.match(down.stderr, /stopped {2}/, 'one that stands by is stopped too');
      await until('it to have ended', () => (waiting.process.exitCode === null ? undefined : true));
    }
    // Without the file: what the data directory remembers is which server, and the server the rest.
    await using other = await startPlatform({ dataDirectory: otherDirectory });
    await standsBy(other);
    const waitsFor = (): string | undefined =>
      (JSON.parse(readFileSync(join(otherDirectory, 'supervisor.json'), 'utf8')) as { standby?: string }).standby;
    assert.match(waitsFor() ?? '', /holds the lease/, 'for the health check of a container');
    const authority = readFileSync(join(dataDirectory, 'authority.pem'), 'utf8');
    await platform.end('SIGKILL');
    rmSync(dataDirectory, { recursive: true, maxRetries: 20, retryDelay: 200 });
    await until('it to serve', async () => ((await infers(other)) === 200 ? true : undefined));
    await until('it to say that it waits no longer', () => (waitsFor() === undefined ? true : undefined));
    assert.equal(other.adminKey(), key, 'the first key is there too');
    assert.equal(readFileSync(join(otherDirectory, 'authority.pem'), 'utf8'), authority);
    assert.match(readFileSync(join(otherDirectory, 'flyball.log'), 'utf8'), /fetch artefact.*from the store/);
    const status = await runCli(['status', '--url', other.control], { FLYBALL_API_KEY: key ?? '' });
    assert.match(status.stdout, /Store postgres:\/\/flyball@127.0.0.1:\d+\/flyball: control .*, lease token \d+/);
  },
);

test('a backup is refused, with the tool that makes it', { skip }, async () => {
  const args = ['backup', join(folder, 'backup'), '--data-dir', otherDirectory];
  const { status, stderr } = spawnSync(process.execPath, [cliPath, ...args], { encoding: 'utf8', cwd: folder });
  assert.equal(status, 1);
  assert.match(stderr, /pg_dump --schema=flyball/);
});

test('a server that cannot be used is told before anything is started', { skip }, async () => {
  const path = join(folder, 'wrong.yaml');
  const store = { kind: 'postgres', url: server.url };
  writeFileSync(path, JSON.stringify({ store }));
  const up = (env: Record<string, string>) =>
    spawnSync(process.execPath, [cliPath, 'up', path, '--data-dir', join(folder, 'other')], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, ...env },
    });
  const wrong = up({ PGPASSWORD: 'secret' });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /the password is not the one that it expects/);
  assert.ok(!wrong.stderr.includes('secret'));
  writeFileSync(path, JSON.stringify({ store: { ...store, url: server.url.replace('@', ':secret@') } }));
  const inUrl = up({});
  assert.match(inUrl.stderr, /store\.url.*expected no password in it/s);
  assert.ok(!inUrl.stderr.includes('secret'));
});
