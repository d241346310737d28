import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imagePipeline } from '../../../../../src/config/model-file.ts';
import { pythonPixels, typescriptPixels } from './pixels.ts';
import type { Version } from './takes.ts';

const of = (pipeline: object): Version => ({
  signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3, 224, 224] }], outputs: [], batchable: true },
  pipeline: imagePipeline.parse(pipeline),
  takesFiles: true,
});
const imageNet = of({
  channels: 'bgr',
  resize: { shorterSide: 256 },
  crop: { width: 224, height: 224 },
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
});

test('each step of a pipeline is a line of Python, in its order', () => {
  assert.deepEqual(pythonPixels(imageNet, 'a.png')?.lines, [
    'picture = Image.open("a.png").convert("RGB")',
    'picture = picture.resize([int(side * 256 / min(picture.size) + 0.5) for side in picture.size], Image.Resampling.BILINEAR)',
    'left, top = (picture.width - 224 + 1) // 2, (picture.height - 224 + 1) // 2',
    'picture = picture.crop((left, top, left + 224, top + 224))',
    'x = np.asarray(picture, np.float32)',
    'x = x[:, :, ::-1]',
    'x = x * np.float32(1 / 255)',
    'x = (x - np.array([0.485,0.456,0.406], np.float32)) / np.array([0.229,0.224,0.225], np.float32)',
    'x = np.ascontiguousarray(x.transpose(2, 0, 1)[None])',
  ]);
});

test('in TypeScript the pixels are put where the layout wants them, inverted where they are to be', () => {
  const grey = typescriptPixels(of({ channels: 'grey', resize: { width: 28, height: 28 }, invert: true }), 'a.png');
  assert.equal(grey?.tensor, `tensor("x", 'FP32', [1, 1, height, width], pixels)`);
  assert.match(
    grey.lines.join('\n'),
    /\(255 - data\.readUInt8\(\(y \* info\.width \+ x\) \* info\.channels\)\) \* \(1 \/ 255\)/,
  );
  const bgr = typescriptPixels(imageNet, 'a.png')?.lines.join('\n') ?? '';
  assert.match(bgr, /pixels\[\(c \* height \+ y\) \* width \+ x\]/);
  assert.match(bgr, /info\.channels \+ 2 - c\)/);
  assert.equal(typescriptPixels({ ...imageNet, pipeline: undefined }, 'a.png'), undefined);
});
