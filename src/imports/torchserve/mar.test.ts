import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { doubler } from '../../../test/fixtures/models.ts';
import { digestOfBytes } from '../../registry/digest.ts';
import { readLocalModel } from '../../registry/model-folder.ts';
import { writeMar, type ZipPart } from '../../testing/zip-writer.ts';
import { configSettings } from './model-config.ts';
import { labelsFrom, versionNumber } from './manifest.ts';

const onnx = doubler();
const model = { modelName: 'twice', modelVersion: '2.0', serializedFile: 'net.onnx', handler: 'image_classifier' };
const file: ZipPart = { name: 'net.onnx', content: onnx };

async function withMar<T>(content: Uint8Array, use: (path: string) => Promise<T>, modelYaml?: string): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fb-mar-'));
  try {
    await writeFile(join(folder, 'a.mar'), content);
    if (modelYaml !== undefined) await writeFile(join(folder, 'own.yaml'), modelYaml);
    return await use(join(folder, 'a.mar'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const read = (content: Uint8Array) => withMar(content, async (path) => (await readLocalModel(path))[0]);

test('an archive with an ONNX file is a version: number, file, labels and what its handler does', async () => {
  const labels = JSON.stringify({ '0': ['n01', 'tench'], '1': 'goldfish' });
  const version = await read(writeMar(model, [file, { name: 'index_to_name.json', content: labels }]));
  assert.equal(version?.version, 2);
  assert.deepEqual([version?.file?.digest, version?.file?.bytes], [digestOfBytes(onnx), onnx.byteLength]);
  assert.deepEqual(version?.settings, {
    pipeline: {
      resize: { shorterSide: 256 },
      crop: { width: 224, height: 224 },
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
    output: { kind: 'classification', topK: 5, softmax: true, as: 'map', labels: ['tench', 'goldfish'] },
    labels: { 'torchserve.version': '2.0' },
  });
});

test('a model-config.yaml is settings, and what is not taken over is named', async () => {
  const config =
    'minWorkers: 2\nmaxWorkers: 3\nbatchSize: 8\nmaxBatchDelay: 20\nresponseTimeout: 60\ndeviceType: gpu\n';
  const manifest = { ...model, handler: 'base_handler', configFile: 'c.yaml', requirementsFile: 'requirements.txt' };
  const version = await read(writeMar(manifest, [file, { name: 'c.yaml', content: config }]));
  assert.deepEqual(version?.settings, {
    batching: { sizeMax: 8, delayMs: 20 },
    deployment: { replicas: { min: 2, max: 3 }, deadline: { defaultMs: 60_000, maxMs: 600_000 } },
    labels: { 'torchserve.version': '2.0' },
  });
  assert.deepEqual(version?.notes, [
    'requirements.txt: no Python packages are installed or needed',
    'c.yaml: deviceType has no effect here',
  ]);
  assert.throws(() => configSettings('minWorkers: many', 'c.yaml'), {
    message: /c\.yaml: minWorkers: expected a whole number/,
  });
});

test('what needs Python is refused with the way out', async () => {
  const refused = (changes: object, message: RegExp) =>
    assert.rejects(read(writeMar({ ...model, ...changes }, [file])), { code: 'INVALID_MODEL', message });
  await refused(
    { handler: 'my_handler.py:handle' },
    /got "my_handler\.py:handle", which is Python code; .*pipeline and output in a model\.yaml/,
  );
  await refused({ handler: 'object_detector' }, /whose steps cannot be declared here/);
  await refused(
    { serializedFile: 'net.pt' },
    /net\.pt, which needs PyTorch; export it to ONNX \(torch\.onnx\.export\(/,
  );
  await refused({ serializedFile: 'net.pth', modelFile: 'model.py' }, /an eager model \(model\.py with net\.pth\)/);
  await refused({ serializedFile: undefined }, /no serialized file/);
  await refused({ serializedFile: 'other.onnx' }, /expected other\.onnx in the archive/);
  await refused({ modelName: undefined }, /model\.modelName is missing/);
  await refused({ modelName: 7 }, /model\.modelName: expected text/);
  await assert.rejects(read(Buffer.from('PK')), { code: 'INVALID_MODEL', message: /^a\.mar: expected a ZIP archive/ });
});

test('settings of one’s own stand in for a handler that is Python code', async () => {
  const content = writeMar({ ...model, handler: 'mine.py' }, [file]);
  const use = async (path: string) => (await readLocalModel(path, path.replace('a.mar', 'own.yaml')))[0];
  const version = await withMar(content, use, 'description: ours\nlabels: {by: us}\n');
  assert.deepEqual(version?.settings, { description: 'ours', labels: { by: 'us', 'torchserve.version': '2.0' } });
});

test('versions that are numbers keep them', () => {
  assert.deepEqual(['1.0', '2', '10.0.0', '1.1', '0.1', 'latest', '01'].map(versionNumber), [
    1,
    2,
    10,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('labels come in each form that TorchServe reads', () => {
  assert.deepEqual(labelsFrom('{"1": "b", "0": ["x", "a"], "3": "d"}', 'f'), ['a', 'b', '2', 'd']);
  assert.deepEqual(labelsFrom('{"object_type_names": {"0": "a"}}', 'f'), ['a']);
  for (const text of ['[', '3', '{"a": "b"}', '{"0": 1}', '{"999999999": "far"}'])
    assert.throws(() => labelsFrom(text, 'f'), { code: 'INVALID_MODEL' }, text);
});
