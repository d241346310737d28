/**
 * ResNet-18 (He, Zhang, Ren, Sun 2015) for ImageNet as torchvision builds it: 11,689,512 parameters.
 * Batch normalisation stays a node of its own, as in training exports; the runtime folds it.
 */
import type { Architecture } from './architecture.ts';
import type { Layers } from './layers.ts';
import type { GraphBuilder } from '../writer.ts';

const stages: readonly (readonly [channels: number, stride: number])[] = [
  [64, 1],
  [128, 2],
  [256, 2],
  [512, 2],
];
const blocksPerStage = 2;

export const resnet18: Architecture = {
  inputShape: [3, 224, 224],
  classes: 1000,
  build(layers, graph, input, output) {
    let value = layers.convolution(input, 3, 64, { kernel: 7, stride: 2, padding: 3 });
    value = layers.relu(layers.batchNormalisation(value, 64));
    value = layers.maxPool(value, { kernel: 3, stride: 2, padding: 1 });
    let channels = 64;
    for (const [channelsOut, stride] of stages) {
      for (let block = 0; block < blocksPerStage; block++) {
        value = basicBlock(layers, graph, value, channels, channelsOut, block === 0 ? stride : 1);
        channels = channelsOut;
      }
    }
    layers.linear(layers.flatten(layers.globalAveragePool(value)), channels, 1000, output);
  },
};

function basicBlock(
  layers: Layers,
  graph: GraphBuilder,
  from: string,
  channelsIn: number,
  channelsOut: number,
  stride: number,
): string {
  let value = layers.convolution(from, channelsIn, channelsOut, { kernel: 3, stride, padding: 1 });
  value = layers.relu(layers.batchNormalisation(value, channelsOut));
  value = layers.convolution(value, channelsOut, channelsOut, { kernel: 3, padding: 1 });
  value = layers.batchNormalisation(value, channelsOut);
  const shortcut =
    stride === 1 && channelsIn === channelsOut
      ? from
      : layers.batchNormalisation(
          layers.convolution(from, channelsIn, channelsOut, { kernel: 1, stride }),
          channelsOut,
        );
  return layers.relu(graph.node('Add', [value, shortcut]));
}
