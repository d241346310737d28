/**
 * Pixels → tensor in one pass over the result: bilinear resize (half-pixel centres, no antialiasing), crop, channel
 * order, inversion, normalisation and layout together. Nothing between is ever written to memory.
 * Each interpolated value is rounded to 0…255, so that normalisation is one look into a table a channel.
 */
import type { ImagePipeline } from '../../config/model-file.ts';
import type { Pixels } from './decode.ts';
import type { Geometry } from './geometry.ts';

export type ImageElements = Float32Array | Uint16Array | Uint8Array;
export type ImageDatatype = 'FP32' | 'FP16' | 'UINT8';

export interface Normalisation {
  readonly channels: 1 | 3;
  /** Position in RGB of each channel of the tensor. */
  readonly order: readonly number[];
  /** 256 elements for each channel of the tensor. */
  readonly tables: readonly ImageElements[];
  readonly planar: boolean;
}

/** UINT8 tensors take the values as they are (inverted if so declared): scale, mean and std are for floats. */
export function makeNormalisation(pipeline: ImagePipeline, datatype: ImageDatatype): Normalisation {
  const channels = pipeline.channels === 'grey' ? 1 : 3;
  const order = pipeline.channels === 'bgr' ? [2, 1, 0] : [0, 1, 2];
  const tables = Array.from({ length: channels }, (_, channel) => {
    const mean = pipeline.mean[channel] ?? pipeline.mean[0] ?? 0;
    const std = pipeline.std[channel] ?? pipeline.std[0] ?? 1;
    const values = Array.from({ length: 256 }, (_, value) => (pipeline.invert ? 255 - value : value));
    if (datatype === 'UINT8') return Uint8Array.from(values);
    const normalised = Float32Array.from(values, (value) => (value * pipeline.scale - mean) / std);
    return datatype === 'FP32' ? normalised : new Uint16Array(Float16Array.from(normalised).buffer);
  });
  return { channels, order, tables, planar: pipeline.layout === 'NCHW' };
}

/** For each position of the result: the two source positions and the weight of the second. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float64Array;
}

function makeTaps(from: number, to: number, offset: number, count: number, stride: number): Taps {
  const taps = { first: new Int32Array(count), second: new Int32Array(count), weight: new Float64Array(count) };
  const scale = from / to;
  for (let index = 0; index < count; index += 1) {
    const position = Math.min(Math.max((index + offset + 0.5) * scale - 0.5, 0), from - 1);
    const first = Math.floor(position);
    taps.first[index] = first * stride;
    taps.second[index] = Math.min(first + 1, from - 1) * stride;
    taps.weight[index] = position - first;
  }
  return taps;
}

/** Written for speed: indexed loops over typed arrays, no allocation a pixel. */
export function fusedPass(pixels: Pixels, geometry: Geometry, norm: Normalisation): ImageElements {
  const { width, height } = geometry;
  const { data, channels: depth } = pixels;
  const count = width * height * norm.channels;
  const table0 = norm.tables[0] as ImageElements;
  const result: ImageElements =
    table0 instanceof Float32Array
      ? new Float32Array(count)
      : table0 instanceof Uint16Array
        ? new Uint16Array(count)
        : new Uint8Array(count);
  const columns = makeTaps(pixels.width, geometry.resizedWidth, geometry.left, width, depth);
  const rows = makeTaps(pixels.height, geometry.resizedHeight, geometry.top, height, pixels.width * depth);
  const step = norm.planar ? 1 : norm.channels;
  const plane = norm.planar ? width * height : 1;
  const greyFromColour = norm.channels === 1 && depth === 3;

  for (let channel = 0; channel < norm.channels; channel += 1) {
    const table = norm.tables[channel] as ImageElements;
    const source = depth === 1 ? 0 : (norm.order[channel] as number);
    let at = channel * plane;
    for (let y = 0; y < height; y += 1) {
      const top = rows.first[y] as number;
      const bottom = rows.second[y] as number;
      const down = rows.weight[y] as number;
      for (let x = 0; x < width; x += 1) {
        const left = columns.first[x] as number;
        const right = columns.second[x] as number;
        const across = columns.weight[x] as number;
        let value: number;
        if (greyFromColour) {
          // Luma of ITU-R BT.601, which is what a grey JPEG holds.
          value =
            0.299 * sample(data, top + left, top + right, bottom + left, bottom + right, across, down) +
            0.587 * sample(data, top + left + 1, top + right + 1, bottom + left + 1, bottom + right + 1, across, down) +
            0.114 * sample(data, top + left + 2, top + right + 2, bottom + left + 2, bottom + right + 2, across, down);
        } else {
          const l = left + source;
          const r = right + source;
          value = sample(data, top + l, top + r, bottom + l, bottom + r, across, down);
        }
        result[at] = table[(value + 0.5) | 0] as number;
        at += step;
      }
    }
  }
  return result;
}

function sample(data: Uint8Array, a: number, b: number, c: number, d: number, across: number, down: number): number {
  const upper = (data[a] as number) + ((data[b] as number) - (data[a] as number)) * across;
  const lower = (data[c] as number) + ((data[d] as number) - (data[c] as number)) * across;
  return upper + (lower - upper) * down;
}
