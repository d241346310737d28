/**
 * The layers of the digit reader with their own backpropagation, one image at a time, in typed arrays.
 * Not a learning framework: two kinds of layer and Adam, just enough to train the example in minutes on one core.
 * Invariant: `backward` follows the `forward` of the same image and adds to the gradients; `step` spends them.
 * The loops are written out for speed: they run some ten billion times.
 */
import type { Rng } from '../../../src/rng.ts';
import { fillGaussian } from '../../../src/rng.ts';

export interface Parameter {
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  readonly momentum: Float32Array;
  readonly variance: Float32Array;
}

export interface Layer {
  readonly parameters: readonly Parameter[];
  forward(input: Float32Array): Float32Array;
  /** Gradient of the output → gradient of the input of the last `forward`. */
  backward(gradient: Float32Array): Float32Array;
}

function parameter(rng: Rng, size: number, deviation: number): Parameter {
  const values = new Float32Array(size);
  if (deviation > 0) fillGaussian(rng, values, 0, deviation);
  return {
    values,
    gradient: new Float32Array(size),
    momentum: new Float32Array(size),
    variance: new Float32Array(size),
  };
}

/** Pixels of a side of the convolution's window. */
export const kernel = 5;
type FiveTaps = readonly [number, number, number, number, number];

export interface ConvolutionShape {
  readonly channelsIn: number;
  readonly channelsOut: number;
  /** Pixels of a side of the (square) input. */
  readonly side: number;
}

/** Convolution of 5×5 without padding, then 2×2 max-pooling, then ReLU (which commutes with the maximum). */
export function convolveAndPool(rng: Rng, { channelsIn, channelsOut, side }: ConvolutionShape): Layer {
  const weights = parameter(rng, channelsOut * channelsIn * kernel * kernel, Math.sqrt(2 / (channelsIn * kernel ** 2)));
  const biases = parameter(rng, channelsOut, 0);
  const sideMaps = side - kernel + 1;
  const sideOut = sideMaps / 2;
  const maps = new Float32Array(channelsOut * sideMaps * sideMaps);
  const output = new Float32Array(channelsOut * sideOut * sideOut);
  /** Index in `maps` that each output came from. */
  const winners = new Int32Array(output.length);
  const gradientIn = new Float32Array(channelsIn * side * side);
  let input = new Float32Array();

  // Five taps of a row at once, so that a map is read and written five times less often; hence the fixed kernel.
  function convolve(): void {
    const area = sideMaps * sideMaps;
    const { values } = weights;
    for (let out = 0; out < channelsOut; out++) {
      maps.fill(biases.values[out] as number, out * area, (out + 1) * area);
      for (let row = 0; row < channelsIn * kernel; row++) {
        const tap = (out * channelsIn * kernel + row) * kernel;
        const [a, b, c, d, e] = values.subarray(tap, tap + kernel) as unknown as FiveTaps;
        const start = (Math.floor(row / kernel) * side + (row % kernel)) * side;
        for (let y = 0; y < sideMaps; y++) {
          const target = out * area + y * sideMaps;
          const source = start + y * side;
          for (let x = 0; x < sideMaps; x++) {
            const from = source + x;
            maps[target + x] =
              (maps[target + x] as number) +
              a * (input[from] as number) +
              b * (input[from + 1] as number) +
              c * (input[from + 2] as number) +
              d * (input[from + 3] as number) +
              e * (input[from + 4] as number);
          }
        }
      }
    }
  }

  function pool(): void {
    for (let index = 0; index < output.length; index++) {
      const row = Math.floor(index / sideOut);
      const corner = row * 2 * sideMaps + (index % sideOut) * 2;
      let winner = corner;
      for (const other of [corner + 1, corner + sideMaps, corner + sideMaps + 1]) {
        if ((maps[other] as number) > (maps[winner] as number)) winner = other;
      }
      winners[index] = winner;
      output[index] = Math.max(0, maps[winner] as number);
    }
  }

  return {
    parameters: [weights, biases],
    forward(from) {
      input = from as Float32Array<ArrayBuffer>;
      convolve();
      pool();
      return output;
    },
    backward(gradient) {
      gradientIn.fill(0);
      const area = sideMaps * sideMaps;
      // Only the winners of the pooling carry a gradient, at most one place in four.
      for (let index = 0; index < output.length; index++) {
        const slope = gradient[index] as number;
        if (slope === 0 || (output[index] as number) === 0) continue;
        const place = winners[index] as number;
        const out = Math.floor(place / area);
        const y = Math.floor((place % area) / sideMaps);
        const x = (place % area) % sideMaps;
        biases.gradient[out] = (biases.gradient[out] as number) + slope;
        for (let from = 0; from < channelsIn; from++) {
          for (let ky = 0; ky < kernel; ky++) {
            const tap = ((out * channelsIn + from) * kernel + ky) * kernel;
            const source = from * side * side + (y + ky) * side + x;
            for (let kx = 0; kx < kernel; kx++) {
              weights.gradient[tap + kx] =
                (weights.gradient[tap + kx] as number) + slope * (input[source + kx] as number);
              gradientIn[source + kx] =
                (gradientIn[source + kx] as number) + slope * (weights.values[tap + kx] as number);
            }
          }
        }
      }
      return gradientIn;
    },
  };
}

/** Weights are [out, in], as ONNX's Gemm with transB takes them. */
export function dense(rng: Rng, featuresIn: number, featuresOut: number, relu: boolean): Layer {
  const weights = parameter(rng, featuresOut * featuresIn, Math.sqrt(2 / featuresIn));
  const biases = parameter(rng, featuresOut, 0);
  const output = new Float32Array(featuresOut);
  const gradientIn = new Float32Array(featuresIn);
  let input = new Float32Array();
  return {
    parameters: [weights, biases],
    forward(from) {
      input = from as Float32Array<ArrayBuffer>;
      for (let out = 0; out < featuresOut; out++) {
        let sum = biases.values[out] as number;
        const row = out * featuresIn;
        for (let index = 0; index < featuresIn; index++) {
          sum += (weights.values[row + index] as number) * (input[index] as number);
        }
        output[out] = relu && sum < 0 ? 0 : sum;
      }
      return output;
    },
    backward(gradient) {
      gradientIn.fill(0);
      for (let out = 0; out < featuresOut; out++) {
        const slope = relu && output[out] === 0 ? 0 : (gradient[out] as number);
        if (slope === 0) continue;
        biases.gradient[out] = (biases.gradient[out] as number) + slope;
        const row = out * featuresIn;
        for (let index = 0; index < featuresIn; index++) {
          weights.gradient[row + index] = (weights.gradient[row + index] as number) + slope * (input[index] as number);
          gradientIn[index] = (gradientIn[index] as number) + slope * (weights.values[row + index] as number);
        }
      }
      return gradientIn;
    },
  };
}

export function softmax(logits: Float32Array): Float32Array {
  const highest = Math.max(...logits);
  const scores = logits.map((logit) => Math.exp(logit - highest));
  const sum = scores.reduce((a, b) => a + b, 0);
  return scores.map((score) => score / sum);
}

const decayMean = 0.9;
const decayVariance = 0.999;
const epsilon = 1e-8;

/** Adam (Kingma and Ba 2014) with the gradients of `batchSize` images; clears them. `count` is 1 for the first step. */
export function step(parameters: readonly Parameter[], rate: number, batchSize: number, count: number): void {
  const correctedRate = (rate * Math.sqrt(1 - decayVariance ** count)) / (1 - decayMean ** count);
  for (const { values, gradient, momentum, variance } of parameters) {
    for (let index = 0; index < values.length; index++) {
      const slope = (gradient[index] as number) / batchSize;
      const mean = decayMean * (momentum[index] as number) + (1 - decayMean) * slope;
      const spread = decayVariance * (variance[index] as number) + (1 - decayVariance) * slope * slope;
      momentum[index] = mean;
      variance[index] = spread;
      values[index] = (values[index] as number) - (correctedRate * mean) / (Math.sqrt(spread) + epsilon);
    }
    gradient.fill(0);
  }
}
