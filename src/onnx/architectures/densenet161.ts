/**
 * DenseNet-161 (Huang, Liu, van der Maaten, Weinberger 2016) for ImageNet as torchvision builds it: growth rate 48,
 * blocks of 6, 12, 36 and 24 layers, bottlenecks of 4 × growth, 28,681,000 parameters.
 */
import type { Architecture } from './architecture.ts';
import { int } from '../writer.ts';

const growth = 48;
const bottleneck = 4 * growth;
const channelsFirst = 96;
const blocks = [6, 12, 36, 24];

export const densenet161: Architecture = {
  inputShape: [3, 224, 224],
  classes: 1000,
  build(layers, graph, input, output) {
    const normalised = (from: string, channels: number) => layers.relu(layers.batchNormalisation(from, channels));
    let channels = channelsFirst;
    let value = normalised(layers.convolution(input, 3, channels, { kernel: 7, stride: 2, padding: 3 }), channels);
    value = layers.maxPool(value, { kernel: 3, stride: 2, padding: 1 });
    for (const [block, length] of blocks.entries()) {
      const features = [value];
      for (let layer = 0; layer < length; layer++) {
        const joined = features.length === 1 ? value : graph.node('Concat', features, { attributes: { axis: int(1) } });
        const squeezed = layers.convolution(normalised(joined, channels), channels, bottleneck, { kernel: 1 });
        features.push(
          layers.convolution(normalised(squeezed, bottleneck), bottleneck, growth, { kernel: 3, padding: 1 }),
        );
        channels += growth;
      }
      value = normalised(graph.node('Concat', features, { attributes: { axis: int(1) } }), channels);
      if (block === blocks.length - 1) break;
      value = layers.convolution(value, channels, channels / 2, { kernel: 1 });
      value = layers.averagePool(value, { kernel: 2, stride: 2 });
      channels /= 2;
    }
    layers.linear(layers.flatten(layers.globalAveragePool(value)), channels, 1000, output);
  },
};
