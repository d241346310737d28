import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { modelFile } from '../../src/config/model-file.ts';
import { specification } from '../../src/config/specification.ts';

const at = (path: string) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
const read = (path: string): unknown => parse(readFileSync(at(path), 'utf8'));

for (const name of ['demo.yaml', 'minimal.yaml', 'server.yaml']) {
  test(`${name} is a valid specification whose deployments name its models`, () => {
    const { models, deployments } = specification.parse(read(name));
    for (const { model } of Object.values(deployments)) {
      const [modelName = '', alias] = model.split('@');
      assert.ok(Object.hasOwn(models, modelName), model);
      if (alias !== undefined) assert.ok(Object.hasOwn(models[modelName]?.aliases ?? {}, alias), model);
    }
  });
}

test('the demonstration starts digits, a model for load and one from elsewhere', () => {
  const { deployments, models } = specification.parse(read('demo.yaml'));
  assert.deepEqual(deployments['digits']?.replicas, { min: 1, max: 4 });
  assert.equal(deployments['digits']?.slo.p99Ms, 50);
  assert.deepEqual(deployments['resnet18']?.replicas, { min: 1, max: 12 });
  assert.equal(deployments['resnet18']?.resources.cpu, 0.1);
  assert.equal(models['ocr']?.optional, true);
});

for (const folder of ['digits', 'ocr']) {
  test(`${folder}/model.yaml is a valid model file and the files that it names are there`, () => {
    const { warmUp, output } = modelFile.parse(read(`${folder}/model.yaml`));
    const labels = typeof output?.labels === 'string' ? [output.labels] : [];
    const named = [...(warmUp?.samples ?? []), ...labels];
    assert.ok(named.length > 0);
    for (const file of named) assert.ok(statSync(at(`${folder}/${file}`)).isFile());
  });
}
