import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { addsub } from '../../test/fixtures/models.ts';
import { parseModelFile } from '../config/load.ts';
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

test("Triton's configuration is settings, with a model.yaml over them, and chooses file and versions", async () => {
  const config = `max_batch_size: 8
    dynamic_batching { max_queue_delay_microseconds: 2000 }
    default_model_filename: "net.onnx"
    version_policy { specific { versions: [ 1, 3 ] } }
    response_cache { enable: true }
    output { name: "y" label_filename: "names.txt" }
    parameters { key: "team" value { string_value: "vision" } }`;
  await using place = await folder({
    'm/config.pbtxt': config.replace(/output.*/, ''),
    'm/1/net.onnx': 'one',
    'm/1/model.onnx': 'not this one',
    'm/2/net.onnx': 'left out',
    'm/3/net.onnx': 'three',
    'm/3/model.yaml': 'batching: {sizeMax: 2}\nlabels: {by: us}\noutput: {kind: ctc, labels: own.txt}\n',
    'm/3/own.txt': 'a',
  });
  const [one, three, ...others] = await readLocalModel(join(place.path, 'm'));
  assert.deepEqual(others, []);
  assert.deepEqual([one?.version, one?.file?.digest], [1, digestOfBytes('one')]);
  assert.deepEqual(one?.settings, { labels: { team: 'vision' }, batching: { sizeMax: 8, delayMs: 2 } });
  assert.deepEqual(three?.settings, {
    labels: { team: 'vision', by: 'us' },
    batching: { sizeMax: 2 },
    output: { kind: 'ctc', labels: 'own.txt' },
  });
  assert.equal(three?.assets['own.txt']?.path, join(place.path, 'm', '3', 'own.txt'));
  // The text that is uploaded gives the version the digest that was worked out here.
  const { settings } = parseModelFile(three?.modelFileText ?? '', 'model.yaml');
  assert.deepEqual(settings, three?.settings);
  assert.match(
    one?.notes.join('\n') ?? '',
    /version_policy leaves out 2\n(.*\n)*.*config\.pbtxt:5:\d+: response_cache: answers are not cached/,
  );
  const [single] = await readLocalModel(join(place.path, 'm', '1', 'net.onnx'));
  assert.deepEqual(single?.settings, one?.settings);
});

test("a configuration that contradicts the model's file, or the folder, is refused with its place", async () => {
  await using place = await folder({
    'wrong/config.pbtxt': 'input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1, 16 ] }',
    'gone/config.pbtxt': 'version_policy { specific { versions: 7 } }',
    'gone/1/model.onnx': '',
    'other/config.pbtxt': 'default_model_filename: "a.onnx"',
    'other/1/model.onnx': '',
    'typo/config.pbtxt': 'max_batchsize: 4',
  });
  await mkdir(join(place.path, 'wrong', '1'));
  await writeFile(join(place.path, 'wrong', '1', 'model.onnx'), addsub());
  const refused = (name: string, code: string, message: RegExp) =>
    assert.rejects(readLocalModel(join(place.path, name)), { code, message });
  await refused(
    'wrong',
    'INVALID_SPECIFICATION',
    /wrong\/config\.pbtxt:1:35: input\[0\]\.data_type: expected INT32 .* got FP32/,
  );
  await refused('gone', 'INVALID_MODEL', /names the versions 7, but the folder has 1/);
  await refused('other', 'INVALID_MODEL', /expected a\.onnx, the default_model_filename, got model\.onnx/);
  await refused(
    'typo',
    'INVALID_SPECIFICATION',
    /typo\/config\.pbtxt:1:1: max_batchsize: unknown field; did you mean max_batch_size/,
  );
});

test('a path suggests a name', () => {
  assert.deepEqual(
    ['digits', './models/digits.onnx', 'digits/1/model.onnx', 'digits/model.onnx', 'echo/model.yaml'].map(nameFromPath),
    ['digits', 'digits', 'digits', 'digits', 'echo'],
  );
});
