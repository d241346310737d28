process.env['ORT_DISABLE_TELEMETRY'] = '1';
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { parse } from 'yaml';
import { loadDigits, pixels, side } from '../../examples/digits/training/digits.ts';
import { modelFile } from '../../src/config/model-file.ts';
import { readSignature } from '../../src/onnx/signature.ts';

// Loaded after the variable above is set.
const { InferenceSession, Tensor } = (await import('onnxruntime-node')).default;

const at = (path: string) => fileURLToPath(new URL(`../../examples/digits/${path}`, import.meta.url));
const settings = modelFile.parse(parse(readFileSync(at('model.yaml'), 'utf8')));
const session = await InferenceSession.create(at('1/model.onnx'), { intraOpNumThreads: 1 });
after(() => session.release());

async function scoresOf(images: Float32Array): Promise<Float32Array[]> {
  const rows = images.length / pixels;
  const { scores } = await session.run({ image: new Tensor('float32', images, [rows, 1, side, side]) });
  const values = scores?.data as Float32Array;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * 10, (row + 1) * 10));
}

const best = (scores: Float32Array): number => scores.indexOf(Math.max(...scores));

test('the committed model is small and takes and gives what its model file says', () => {
  assert.ok(statSync(at('1/model.onnx')).size <= 200 * 1024);
  assert.deepEqual(readSignature(readFileSync(at('1/model.onnx'))).signature, {
    inputs: [{ name: settings.pipeline?.input, datatype: 'FP32', shape: [-1, 1, 28, 28] }],
    outputs: [{ name: settings.output?.output, datatype: 'FP32', shape: [-1, 10] }],
    batchable: true,
  });
});

test('of 2500 digits that it was never trained on it reads at least 98 of 100', async () => {
  const { heldOut, training } = loadDigits();
  assert.equal(heldOut.length, 2500);
  const trainedOn = new Set(training.map(({ image }) => image.join()));
  assert.ok(!heldOut.some(({ image }) => trainedOn.has(image.join())), 'no picture is in both sets');
  const images = new Float32Array(heldOut.length * pixels);
  for (const [row, { image }] of heldOut.entries()) images.set(image, row * pixels);
  const right = (await scoresOf(images)).filter((scores, row) => best(scores) === heldOut[row]?.label);
  const accuracy = right.length / heldOut.length;
  assert.ok(accuracy >= 0.98, `expected at least 0.98, got ${accuracy}`);
  const claimed = /(\d+\.\d+) % of 2,500/.exec(readFileSync(at('../README.md'), 'utf8'))?.[1];
  assert.equal(claimed, (accuracy * 100).toFixed(2), 'the README says the accuracy that the model has');
});

test('each sample picture is read as what its name says', async () => {
  const labels = settings.output?.labels;
  assert.ok(Array.isArray(labels));
  for (const [digit, label] of labels.entries()) {
    const { data, info } = await sharp(at(`samples/${label}.png`))
      .greyscale()
      .resize(side, side, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.equal(info.channels, 1);
    const [scores] = await scoresOf(Float32Array.from(data, (value) => 1 - value / 255));
    assert.ok(scores !== undefined);
    assert.equal(best(scores), digit, label);
    assert.ok((scores[digit] as number) > 0.9, `${label}: expected a score above 0.9, got ${scores[digit]}`);
  }
});
