import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { imagePipeline, type ImagePipeline } from '../../config/model-file.ts';
import type { Pixels } from './decode.ts';
import { fusedPass, makeNormalisation } from './fused-pass.ts';
import { geometryOf, type Geometry } from './geometry.ts';

/** The same, one step after the other, each written down whole: resize, crop, grey, order, invert, normalise, lay out. */
function oracle(pixels: Pixels, geometry: Geometry, pipeline: ImagePipeline): number[] {
  const { width, height, channels, data } = pixels;
  const at = (x: number, y: number, c: number): number => data[(y * width + x) * channels + c] ?? NaN;
  const clamp = (v: number, max: number): number => Math.min(Math.max(v, 0), max);
  const resized: number[][][] = [];
  for (let y = 0; y < geometry.resizedHeight; y += 1) {
    const row: number[][] = [];
    for (let x = 0; x < geometry.resizedWidth; x += 1) {
      const sx = clamp(((x + 0.5) * width) / geometry.resizedWidth - 0.5, width - 1);
      const sy = clamp(((y + 0.5) * height) / geometry.resizedHeight - 0.5, height - 1);
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const x1 = Math.min(x0 + 1, width - 1);
      const y1 = Math.min(y0 + 1, height - 1);
      row.push(
        Array.from({ length: channels }, (_, c) => {
          const wx = sx - x0;
          const wy = sy - y0;
          return (
            at(x0, y0, c) * (1 - wx) * (1 - wy) +
            at(x1, y0, c) * wx * (1 - wy) +
            at(x0, y1, c) * (1 - wx) * wy +
            at(x1, y1, c) * wx * wy
          );
        }),
      );
    }
    resized.push(row);
  }
  const cropped = resized
    .slice(geometry.top, geometry.top + geometry.height)
    .map((row) => row.slice(geometry.left, geometry.left + geometry.width));
  const coloured = cropped.map((row) =>
    row.map((pixel) => {
      const [r = 0, g = r, b = r] = pixel;
      if (pipeline.channels === 'grey') return [0.299 * r + 0.587 * g + 0.114 * b];
      return pipeline.channels === 'bgr' ? [b, g, r] : [r, g, b];
    }),
  );
  const normalised = coloured.map((row) =>
    row.map((pixel) =>
      pixel.map((value, c) => {
        const level = pipeline.invert ? 255 - value : value;
        return (
          (level * pipeline.scale - (pipeline.mean[c] ?? pipeline.mean[0] ?? 0)) /
          (pipeline.std[c] ?? pipeline.std[0] ?? 1)
        );
      }),
    ),
  );
  if (pipeline.layout === 'NHWC') return normalised.flat(2);
  const depth = pipeline.channels === 'grey' ? 1 : 3;
  return Array.from({ length: depth }, (_, c) =>
    normalised.flatMap((row) => row.map((pixel) => pixel[c] ?? NaN)),
  ).flat();
}

const side = fc.integer({ min: 1, max: 12 });
const image: fc.Arbitrary<Pixels> = fc
  .record({ width: side, height: side, channels: fc.constantFrom(1 as const, 3 as const) })
  .chain(({ width, height, channels }) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((data) => ({ data, width, height, channels })),
  );

const declared = fc
  .record({
    channels: fc.constantFrom('rgb' as const, 'bgr' as const, 'grey' as const),
    layout: fc.constantFrom('NCHW' as const, 'NHWC' as const),
    invert: fc.boolean(),
    resize: fc.oneof(
      fc.constant(undefined),
      fc.record({ width: side, height: side }),
      fc.record({ width: side }),
      fc.record({ height: side }),
      fc.record({ shorterSide: side }),
    ),
    mean: fc.constantFrom([0], [0.5, 0.4, 0.3]),
    std: fc.constantFrom([1], [0.25, 0.5, 0.75]),
  })
  .map((settings) => imagePipeline.parse(settings));

describe('the fused pass', () => {
  it('agrees with the steps done one after another, within the rounding of one level', () => {
    fc.assert(
      fc.property(image, declared, fc.double({ min: 0.1, max: 1, noNaN: true }), (pixels, settings, part) => {
        const whole = geometryOf(pixels.width, pixels.height, settings);
        const crop = {
          width: Math.ceil(whole.resizedWidth * part),
          height: Math.ceil(whole.resizedHeight * part),
        };
        const pipeline = { ...settings, crop };
        const geometry = geometryOf(pixels.width, pixels.height, pipeline);
        const result = fusedPass(pixels, geometry, makeNormalisation(pipeline, 'FP32'));
        const expected = oracle(pixels, geometry, pipeline);
        assert.equal(result.length, expected.length);
        const level = pipeline.scale / Math.min(...pipeline.std);
        for (const [index, value] of expected.entries()) {
          assert.ok(
            Math.abs((result[index] ?? NaN) - value) <= level * 0.51,
            `element ${index}: expected ${value}, got ${result[index]}`,
          );
        }
      }),
    );
  });

  it('passes the levels on unchanged to a UINT8 tensor, and normalised to FP16', () => {
    const pixels: Pixels = { data: Uint8Array.of(0, 128, 255), width: 3, height: 1, channels: 1 };
    const pipeline = imagePipeline.parse({ channels: 'grey', mean: [0.5], std: [0.5] });
    const geometry = geometryOf(3, 1, pipeline);
    assert.deepEqual(fusedPass(pixels, geometry, makeNormalisation(pipeline, 'UINT8')), Uint8Array.of(0, 128, 255));
    const half = fusedPass(pixels, geometry, makeNormalisation(pipeline, 'FP16'));
    const values = new Float16Array(half.buffer as ArrayBuffer);
    assert.deepEqual([values[0], values[2]], [-1, 1]);
  });
});

describe('the geometry of a pipeline', () => {
  const of = (width: number, height: number, settings: object): number[] => {
    const geometry = geometryOf(width, height, imagePipeline.parse(settings));
    return [
      geometry.resizedWidth,
      geometry.resizedHeight,
      geometry.left,
      geometry.top,
      geometry.width,
      geometry.height,
    ];
  };

  it('scales the shorter side and crops the centre', () => {
    const settings = { resize: { shorterSide: 256 }, crop: { width: 224, height: 224 } };
    assert.deepEqual(of(640, 480, settings), [341, 256, 59, 16, 224, 224]);
    assert.deepEqual(of(480, 640, settings), [256, 341, 16, 59, 224, 224]);
  });

  it('keeps the aspect ratio when one side is given', () => {
    assert.deepEqual(of(200, 100, { resize: { height: 48 } }), [96, 48, 0, 0, 96, 48]);
  });

  it('refuses a crop that the image does not fill, and a sliver that would grow too large', () => {
    assert.throws(() => of(10, 100, { crop: { width: 20, height: 20 } }), {
      code: 'INVALID_IMAGE',
      message: /at least 20 × 20 to crop from, got 10 × 100/,
    });
    assert.throws(() => of(1, 60_000, { resize: { shorterSide: 224 } }), {
      code: 'INVALID_IMAGE',
      message: /pixelsMax/,
    });
  });
});
