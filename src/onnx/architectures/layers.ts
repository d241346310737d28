/**
 * Layers of image networks over a graph: convolution, batch normalisation, pooling, linear, with random weights.
 * It trains nothing. Invariant: weights are drawn in the order of the calls, so a seed gives one file; they are scaled
 * by He's rule (standard deviation √(2 / fan-in)), so that activations neither vanish nor overflow with depth.
 */
import type { Rng } from '../../rng.ts';
import { fillGaussian } from '../../rng.ts';
import type { GraphBuilder } from '../writer.ts';
import { int, ints } from '../writer.ts';

export interface ConvolutionOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly bias?: boolean;
}

export interface PoolOptions {
  readonly kernel: number;
  readonly stride: number;
  readonly padding?: number;
}

/** Each takes the name of a value and returns the name of the next. */
export interface Layers {
  convolution(from: string, channelsIn: number, channelsOut: number, options: ConvolutionOptions): string;
  batchNormalisation(from: string, channels: number): string;
  relu(from: string): string;
  maxPool(from: string, options: PoolOptions): string;
  averagePool(from: string, options: PoolOptions): string;
  globalAveragePool(from: string): string;
  flatten(from: string): string;
  linear(from: string, featuresIn: number, featuresOut: number, output?: string): string;
}

export function layersOver(graph: GraphBuilder, rng: Rng): Layers {
  const drawn = (shape: readonly number[], fanIn: number): string => {
    const weights = new Float32Array(shape.reduce((product, size) => product * size, 1));
    fillGaussian(rng, weights, 0, Math.sqrt(2 / fanIn));
    return graph.constant('FLOAT', shape, weights);
  };
  const filled = (size: number, value: number): string =>
    graph.constant('FLOAT', [size], new Float32Array(size).fill(value));
  const pool = (operator: string, from: string, { kernel, stride, padding = 0 }: PoolOptions): string =>
    graph.node(operator, [from], {
      attributes: {
        kernel_shape: ints(kernel, kernel),
        strides: ints(stride, stride),
        pads: ints(padding, padding, padding, padding),
      },
    });

  return {
    convolution(from, channelsIn, channelsOut, { kernel, stride = 1, padding = 0, bias = false }) {
      const inputs = [from, drawn([channelsOut, channelsIn, kernel, kernel], channelsIn * kernel * kernel)];
      if (bias) inputs.push(filled(channelsOut, 0));
      return graph.node('Conv', inputs, {
        attributes: {
          kernel_shape: ints(kernel, kernel),
          strides: ints(stride, stride),
          pads: ints(padding, padding, padding, padding),
        },
      });
    },
    batchNormalisation(from, channels) {
      // Scale, shift, running mean, running variance, as in an untrained network.
      const statistics = [1, 0, 0, 1].map((value) => filled(channels, value));
      return graph.node('BatchNormalization', [from, ...statistics]);
    },
    relu: (from) => graph.node('Relu', [from]),
    maxPool: (from, options) => pool('MaxPool', from, options),
    averagePool: (from, options) => pool('AveragePool', from, options),
    globalAveragePool: (from) => graph.node('GlobalAveragePool', [from]),
    flatten: (from) => graph.node('Flatten', [from], { attributes: { axis: int(1) } }),
    linear(from, featuresIn, featuresOut, output) {
      const inputs = [from, drawn([featuresOut, featuresIn], featuresIn), filled(featuresOut, 0)];
      const attributes = { transB: int(1) };
      return graph.node('Gemm', inputs, output === undefined ? { attributes } : { attributes, outputs: [output] });
    },
  };
}
