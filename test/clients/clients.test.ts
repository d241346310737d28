/**
 * The clients that people have, as they are on PyPI, against the whole platform: each call sequence of Triton's published
 * examples, and KServe's two clients. The scripts beside this file hold the sequences; each runs in a process of its own,
 * because the two libraries cannot share one.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { identity, simple, simpleString, unknownOperator } from '../fixtures/models.ts';
import { ask } from '../support/ask.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { findPython, runExamples } from '../support/python.ts';

const scripts = [
  ['tritonclient', 'triton_http.py'],
  ['tritonclient', 'triton_grpc.py'],
  ['kserve', 'kserve_clients.py'],
] as const;

describe('real clients', () => {
  let platform: Platform;

  before(async () => {
    const models = {
      simple: simple(),
      simple_string: simpleString(),
      simple_identity: identity('STRING', ['batch', 'length']),
      refused: unknownOperator(),
    };
    const { refused: _, ...served } = models;
    platform = await startPlatform({
      models: Object.fromEntries(Object.entries(models).map(([name, file]) => [`${name}/1/model.onnx`, file])),
      specification: {
        name: 'triton',
        models: Object.fromEntries(Object.keys(models).map((name) => [name, { path: `./models/${name}` }])),
        deployments: Object.fromEntries(Object.keys(served).map((name) => [name, { model: name }])),
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  for (const [set, script] of scripts) {
    const { path, skip } = findPython(set);
    test(script, { skip }, async (t) => {
      const file = join(platform.folder, 'given.onnx');
      writeFileSync(file, simple());
      const index = await ask(`${platform.http}/v2/repository/index`, { method: 'POST' });
      const count = String((JSON.parse(index.body.toString()) as unknown[]).length);
      const addresses = [platform.http, platform.grpc].map((url) => new URL(url).host);
      const results = await runExamples(path, script, [...addresses, count], { MODEL_FILE: file });
      for (const { name, error } of results) await t.test(name, () => assert.equal(error, undefined, error));
    });
  }
});
