process.env['ORT_DISABLE_TELEMETRY'] = '1';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { specification } from '../config/specification.ts';
import type { ArchitectureName } from './generate.ts';
import { architectures, generateModel } from './generate.ts';
import { decodeModel } from './proto.ts';
import { readSignature } from './signature.ts';

// Loaded after the variable above is set.
const { InferenceSession, Tensor } = (await import('onnxruntime-node')).default;

const names = Object.keys(architectures) as ArchitectureName[];

/** Elements of all weights but the running statistics of batch normalisation, which papers do not count. */
function parameterCount(file: Uint8Array): number {
  const graph = decodeModel(file).graph;
  const statistics = new Set(
    graph?.node?.flatMap((node) => (node.opType === 'BatchNormalization' ? node.input.slice(3) : [])),
  );
  let count = 0;
  for (const weight of graph?.initializer ?? []) {
    if (!statistics.has(weight.name ?? '')) count += (weight.rawData?.byteLength ?? 0) / 4;
  }
  return count;
}

const published = { mlp: 136, 'mnist-cnn': 1_199_882, resnet18: 11_689_512, densenet161: 28_681_000 };

for (const name of names) {
  test(`${name} has ${published[name]} parameters, the declared signature, and finite answers for batches of 1 and 3`, async () => {
    const file = generateModel(name, 1);
    assert.equal(parameterCount(file), published[name]);
    const { inputShape, classes } = architectures[name];
    assert.deepEqual(readSignature(file).signature, {
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, ...inputShape] }],
      outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, classes] }],
      batchable: true,
    });
    const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
    for (const batch of [1, 3]) {
      const shape = [batch, ...inputShape];
      const elements = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => (index % 17) / 17);
      const { output } = await session.run({ input: new Tensor('float32', elements, shape) });
      assert.deepEqual(output?.dims, [batch, classes]);
      const scores = output?.data as Float32Array;
      assert.ok(scores.every(Number.isFinite), 'every score is a number');
      assert.ok(new Set(scores).size > classes / 2, 'scores differ');
    }
    await session.release();
  });
}

test('the same seed gives the same bytes, another seed gives others', () => {
  const digest = (seed: number) => createHash('sha256').update(generateModel('mnist-cnn', seed)).digest('hex');
  assert.equal(digest(1), digest(1));
  assert.notEqual(digest(1), digest(2));
});

test('every architecture can be asked for in the specification, and no other', () => {
  for (const architecture of names) specification.parse({ models: { it: { generate: { architecture } } } });
  assert.throws(() => specification.parse({ models: { it: { generate: { architecture: 'vgg16' } } } }));
});
