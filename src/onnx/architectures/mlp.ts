/** The smallest model that is one: a linear layer from 16 to 8 and softmax, 136 parameters. For overheads, not answers. */
import type { Architecture } from './architecture.ts';
import { int } from '../writer.ts';

export const mlp: Architecture = {
  inputShape: [16],
  classes: 8,
  build(layers, graph, input, output) {
    graph.node('Softmax', [layers.linear(input, 16, 8)], { attributes: { axis: int(1) }, outputs: [output] });
  },
};
