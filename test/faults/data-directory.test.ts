/**
 * A disk that is full, a data directory that is read-only or gone, two `up` on one: a clear error or no effect, nothing
 * lost, nothing half-written, and no caller notices. Real file systems and real processes.
 */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { DeploymentView, ModelView, Problem } from '../../src/api/schemas.ts';
import { openSqliteStore } from '../../src/drivers/stores/sqlite.ts';
import { openArtefactStore } from '../../src/registry/artefacts.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli } from '../support/cli.ts';
import { mountDisk, mountHindrance, mountReadOnly } from '../support/mounts.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad, type SteadyLoad } from '../support/steady-load.ts';

const hindrance = mountHindrance();
const needsMounts = hindrance === undefined ? {} : { skip: hindrance };
if (hindrance !== undefined && process.env['CI'] === 'true') throw new Error(`this has to run in CI: ${hindrance}`);

const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }] });
const files = {
  models: { 'times/1/model.onnx': multiplier(2) },
  specification: {
    models: { times: { path: './models/times', aliases: { champion: 1 } } },
    deployments: { times: { model: 'times@champion', replicas: { min: 2, max: 2 }, probationMs: 0 } },
  },
};
const load = (platform: Platform): SteadyLoad =>
  startLoad({ url: `${platform.http}/v2/models/times/infer`, method: 'POST', body: input, callers: 2 });

/** What was answered: the code of the error, or the status. */
async function ask(platform: Platform, method: string, path: string, body: Uint8Array | object): Promise<string> {
  const bytes = body instanceof Uint8Array;
  const response = await fetch(`${platform.control}/api/v1/${path}`, {
    method,
    headers: { 'content-type': bytes ? 'application/octet-stream' : 'application/json' },
    body: bytes ? new Uint8Array(body) : JSON.stringify(body),
  });
  if (response.ok) return String(response.status);
  const { code, detail } = (await response.json()) as Problem;
  return `${code} ${detail}`;
}
const add = (platform: Platform, bytes: Uint8Array): Promise<string> =>
  ask(platform, 'POST', 'models/times/versions?by=ada', bytes);
const changes = {
  add: (platform: Platform) => add(platform, multiplier(9)),
  alias: (platform: Platform) => ask(platform, 'PUT', 'models/times/aliases/other', { version: 1, by: 'ada' }),
  deploy: (platform: Platform) =>
    ask(platform, 'PUT', 'deployments/beside', { deployment: { model: 'times', replicas: { min: 0 } }, by: 'ada' }),
};
async function tryAll(platform: Platform): Promise<Record<string, string>> {
  const said: Record<string, string> = {};
  for (const [name, change] of Object.entries(changes)) said[name] = await change(platform);
  return said;
}

const modelOf = async (platform: Platform): Promise<ModelView> =>
  (await (await fetch(`${platform.control}/api/v1/models/times`)).json()) as ModelView;

/** Nothing of what was refused is there: as it was before, and every byte of it right. */
async function untouched(platform: Platform): Promise<void> {
  const { versions, aliases } = await modelOf(platform);
  assert.deepEqual([versions.map(({ version }) => version), aliases], [[1], { champion: 1 }]);
  const { deployments } = await platform.status();
  assert.deepEqual(
    deployments.map(({ name }) => name),
    ['times'],
  );
}

async function whole(dataDirectory: string): Promise<void> {
  await using store = openSqliteStore(join(dataDirectory, 'flyball.db'));
  const artefacts = await openArtefactStore(join(dataDirectory, 'artefacts'));
  for (const digest of await artefacts.list()) await artefacts.verify(digest);
  for (const { file, assets } of await store.versions()) {
    for (const digest of [file ?? '', ...Object.values(assets)]) await artefacts.verify(digest);
  }
}

test(
  'a full disk: changes are refused and nothing of them is kept; callers notice nothing; with room all is as before',
  { ...needsMounts, timeout: 300_000 },
  async (context: TestContext) => {
    using disk = mountDisk(64);
    const dataDirectory = join(disk.path, 'data');
    {
      await using platform = await startPlatform({ ...files, dataDirectory });
      await platform.serving();
      await using callers = load(platform);
      await callers.passed(50);
      const filler = join(disk.path, 'filler');
      const file = openSync(filler, 'w');
      let filled = 0;
      try {
        for (const size of [1 << 20, 4096, 1]) {
          try {
            for (;;) filled += writeSync(file, Buffer.alloc(size, 1));
          } catch (error) {
            assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
          }
        }
      } finally {
        closeSync(file);
      }
      const said = await changes.add(platform);
      assert.match(said, /^DATA_DIR_UNUSABLE .*full/);
      assert.deepEqual(
        (await modelOf(platform)).versions.map(({ version }) => version),
        [1],
      );
      await callers.passed(200);
      const seen = callers.seen();
      assert.deepEqual(seen.failures, []);
      rmSync(filler);
      assert.equal(await changes.add(platform), '201');
      assert.deepEqual(
        (await modelOf(platform)).versions.map(({ version }) => version),
        [1, 2],
      );
      await until('all to serve', async () =>
        (await platform.status()).deployments.every(({ state }) => state === 'serving') ? true : undefined,
      );
      await callers.passed(50);
      const { ok, failures } = await callers.stop();
      assert.deepEqual(failures, []);
      context.diagnostic(
        `full disk (${Math.round(filled / 1024)} KiB of filler): ${ok} requests answered, 0 failed; ${said}`,
      );
      assert.equal(await platform.end('SIGTERM'), 0);
    }
    await whole(dataDirectory);
  },
);

test('an `up` where there is no room says so and writes nothing', { ...needsMounts }, async () => {
  using disk = mountDisk(2);
  const { code, stderr } = await runCli(['up', '--data-dir', join(disk.path, 'data')], { FLYBALL_DATA_DIR: '' });
  assert.equal(code, 1);
  assert.match(stderr, /DATA_DIR_UNUSABLE|the disk is full; make room/);
});

test(
  'a data directory that may only be read: `up` says so; under a running one, adding says so and nothing else changes',
  { ...needsMounts, timeout: 300_000 },
  async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-read-only-'));
    try {
      {
        using _readOnly = mountReadOnly(folder);
        const { code, stderr } = await runCli(['up', '--data-dir', join(folder, 'data')]);
        assert.equal(code, 1);
        assert.match(stderr, /read-only/);
      }
      assert.deepEqual(readdirSync(folder), []);
      await using platform = await startPlatform(files);
      await platform.serving();
      await using callers = load(platform);
      {
        using _readOnly = mountReadOnly(join(platform.dataDirectory, 'artefacts'));
        assert.match(await changes.add(platform), /^DATA_DIR_UNUSABLE .*read-only/);
        await untouched(platform);
        await callers.passed(100);
      }
      assert.equal(await changes.add(platform), '201');
      const { ok, failures } = await callers.stop();
      assert.deepEqual(failures, []);
      context.diagnostic(`read-only artefacts: ${ok} requests answered, 0 failed`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test(
  'a data directory that vanishes: every change is refused, callers notice nothing, and put back it goes on',
  { timeout: 300_000 },
  async (context) => {
    await using platform = await startPlatform(files);
    await platform.serving();
    await using callers = load(platform);
    await callers.passed(50);
    const away = `${platform.dataDirectory}-away`;
    renameSync(platform.dataDirectory, away);
    const said = await tryAll(platform);
    for (const [name, words] of Object.entries(said)) assert.match(words, /^DATA_DIR_UNUSABLE /, name);
    await callers.passed(200);
    renameSync(away, platform.dataDirectory);
    await untouched(platform);
    assert.deepEqual(await tryAll(platform), { add: '201', alias: '202', deploy: '202' });
    await callers.passed(50);
    const { ok, failures } = await callers.stop();
    assert.deepEqual(failures, []);
    context.diagnostic(`vanished directory: ${ok} requests answered, 0 failed; ${said['alias']}`);
    assert.equal(await platform.end('SIGTERM'), 0);
    await whole(platform.dataDirectory);
  },
);

test(
  'a second `up` on one data directory is refused and named the first, which notices nothing',
  { timeout: 300_000 },
  async (context) => {
    await using platform = await startPlatform(files);
    const before = await platform.serving();
    await using callers = load(platform);
    await callers.passed(50);
    const second = await Promise.all(
      Array.from({ length: 3 }, () => runCli(['up', platform.specificationPath, '--data-dir', platform.dataDirectory])),
    );
    for (const { code, stderr } of second) {
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`is in use by another .flyball up. \\(pid ${platform.process.pid}\\b`));
    }
    await callers.passed(100);
    const { ok, failures } = await callers.stop();
    assert.deepEqual(failures, []);
    const ids = (deployments: readonly DeploymentView[]) =>
      deployments.flatMap(({ replicas }) => replicas.map(({ id }) => id));
    assert.deepEqual(ids((await platform.status()).deployments), ids(before.deployments));
    context.diagnostic(`three more \`up\`: all refused; ${ok} requests answered, 0 failed`);
  },
);

test(
  'of two `up` that start at the same moment on one new directory, one runs and the other is refused',
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-two-'));
    const dataDirectory = join(folder, 'data');
    const specification = join(folder, 'flyball.yaml');
    const anyPort = '{host: 127.0.0.1, port: 0}';
    writeFileSync(
      specification,
      `listeners: {http: ${anyPort}, grpc: ${anyPort}, metrics: ${anyPort}, control: ${anyPort}}\n`,
    );
    try {
      const args = ['up', specification, '--data-dir', dataDirectory, '--detach'];
      const ended = await Promise.all([runCli(args), runCli(args)]);
      const codes = ended.map(({ code }) => code).toSorted((a, b) => Number(a) - Number(b));
      assert.deepEqual(codes, [0, 1], ended.map(({ stderr }) => stderr).join('\n'));
      assert.match(ended.find(({ code }) => code === 1)?.stderr ?? '', /is in use by another/);
      assert.equal((await runCli(['status', '--data-dir', dataDirectory])).code, 0);
    } finally {
      await runCli(['down', '--data-dir', dataDirectory]);
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
