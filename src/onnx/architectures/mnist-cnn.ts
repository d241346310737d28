/**
 * The convolutional network of PyTorch's MNIST example: two convolutions of 3×3 (32 and 64 channels), a pool, two
 * linear layers (128 and 10); 1,199,882 parameters. Dropout does nothing at inference and is left out.
 */
import type { Architecture } from './architecture.ts';

export const mnistCnn: Architecture = {
  inputShape: [1, 28, 28],
  classes: 10,
  build(layers, _graph, input, output) {
    let value = layers.relu(layers.convolution(input, 1, 32, { kernel: 3, bias: true }));
    value = layers.relu(layers.convolution(value, 32, 64, { kernel: 3, bias: true }));
    value = layers.flatten(layers.maxPool(value, { kernel: 2, stride: 2 }));
    value = layers.relu(layers.linear(value, 64 * 12 * 12, 128));
    layers.linear(value, 128, 10, output);
  },
};
