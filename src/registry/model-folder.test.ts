import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { digestOfBytes, versionDigest } from './digest.ts';
import { nameFromPath, readLocalModel } from './model-folder.ts';

async function folder(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test("a folder laid out as Triton's gives its versions in order, whatever else lies there", async () => {
  await using place = await folder({
    'config.pbtxt': 'platform: "onnxruntime_onnx"',
    'README.md': '',
    '10/model.onnx': 'ten',
    '2/model.onnx': 'two',
    '2/other.onnx': 'not this one',
    '010/model.onnx': 'no number',
    'old/model.onnx': 'no number',
  });
  const versions = await readLocalModel(place.path);
  assert.deepEqual(
    versions.map(({ version }) => version),
    [2, 10],
  );
  assert.equal(versions[0]?.file?.digest, digestOfBytes('two'));
  assert.equal(versions[0]?.digest, versionDigest({ file: digestOfBytes('two') }));
});

test('model.yaml beside the versions holds for each; one inside a version holds for that one', async () => {
  await using place = await folder({
    'model.yaml': 'output: {kind: classification, labels: labels.txt}\n',
    'labels.txt': 'a\nb\n',
    '1/model.onnx': 'one',
    '2/model.onnx': 'two',
    '2/model.yaml': 'description: its own\n',
  });
  const [one, two] = await readLocalModel(place.path);
  assert.deepEqual(Object.keys(one?.assets ?? {}), ['labels.txt']);
  assert.equal(one?.assets['labels.txt']?.path, join(place.path, 'labels.txt'));
  assert.equal(
    one?.digest,
    versionDigest({
      file: digestOfBytes('one'),
      modelFile: one?.settings,
      assets: { 'labels.txt': digestOfBytes('a\nb\n') },
    }),
  );
  assert.deepEqual([two?.settings, two?.assets], [{ description: 'its own' }, {}]);
});

test('a single file has no number of its own, and takes the settings that lie beside it', async () => {
  await using place = await folder({
    'm/net.onnx': 'net',
    'm/model.yaml': 'threads: 2\n',
    'other.yaml': 'threads: 3\n',
  });
  const [version] = await readLocalModel(join(place.path, 'm', 'net.onnx'));
  assert.deepEqual([version?.version, version?.settings], [undefined, { threads: 2 }]);
  const [given] = await readLocalModel(join(place.path, 'm', 'net.onnx'), join(place.path, 'other.yaml'));
  assert.deepEqual(given?.settings, { threads: 3 });
  const [inFolder] = await readLocalModel(join(place.path, 'm'));
  assert.deepEqual(inFolder, version);
});

test('a simulated model is its settings', async () => {
  const yaml = 'platform: simulated\nsimulated: {inputs: [], outputs: []}\n';
  await using place = await folder({ 'echo/model.yaml': yaml });
  const [fromFolder] = await readLocalModel(join(place.path, 'echo'));
  const [fromFile] = await readLocalModel(join(place.path, 'echo', 'model.yaml'));
  assert.deepEqual([fromFolder?.file, fromFolder?.digest], [undefined, fromFile?.digest]);
});

test('what is no model says what was expected and what came', async () => {
  await using place = await folder({
    'empty/README.md': '',
    'two/a.onnx': '',
    'two/b.onnx': '',
    'gap/1/notes.txt': '',
  });
  const refused = (name: string, expected: object) => assert.rejects(readLocalModel(join(place.path, name)), expected);
  await refused('none', { code: 'NOT_FOUND', message: /there is no model at .*none/ });
  await refused('empty', {
    code: 'INVALID_MODEL',
    message: /expected 1\/model\.onnx or one \.onnx file, got no \.onnx file/,
  });
  await refused('two', { code: 'INVALID_MODEL', message: /got a\.onnx, b\.onnx/ });
  await refused('gap', { code: 'INVALID_MODEL', message: /gap\/1: expected model\.onnx/ });
});

test('settings never reach out of their folder', async () => {
  await using place = await folder({
    'secret.txt': 's',
    'm/net.onnx': 'net',
    'n/net.onnx': 'net',
    'o/net.onnx': 'net',
  });
  await writeFile(join(place.path, 'm', 'model.yaml'), 'output: {kind: ctc, labels: ../secret.txt}\n');
  await writeFile(join(place.path, 'n', 'model.yaml'), 'output: {kind: ctc, labels: link.txt}\n');
  await symlink('../secret.txt', join(place.path, 'n', 'link.txt'));
  await writeFile(join(place.path, 'o', 'model.yaml'), 'output: {kind: ctc, labels: none.txt}\n');
  const refused = (name: string, message: RegExp) =>
    assert.rejects(readLocalModel(join(place.path, name)), { code: 'INVALID_SPECIFICATION', message });
  await refused('m', /leads elsewhere/);
  await refused('n', /links out of its folder/);
  await refused('o', /there is no .*none\.txt/);
});

test('a path suggests a name', () => {
  assert.deepEqual(
    ['digits', './models/digits.onnx', 'digits/1/model.onnx', 'digits/model.onnx', 'echo/model.yaml'].map(nameFromPath),
    ['digits', 'digits', 'digits', 'digits', 'echo'],
  );
});
