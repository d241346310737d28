/**
 * Models of exact published architectures with random weights: for load and sizes, not for answers.
 * Invariant: the same architecture and seed give the same bytes, so the artefact's digest is stable.
 */
import { seededRng } from '../rng.ts';
import type { Architecture } from './architectures/architecture.ts';
import { densenet161 } from './architectures/densenet161.ts';
import { layersOver } from './architectures/layers.ts';
import { mlp } from './architectures/mlp.ts';
import { mnistCnn } from './architectures/mnist-cnn.ts';
import { resnet18 } from './architectures/resnet18.ts';
import { buildGraph } from './writer.ts';

export const architectures = {
  mlp,
  'mnist-cnn': mnistCnn,
  resnet18,
  densenet161,
} as const satisfies Record<string, Architecture>;

export type ArchitectureName = keyof typeof architectures;

/** An ONNX file with FP32 `input` [batch, …] and `output` [batch, classes]. */
export function generateModel(name: ArchitectureName, seed: number): Uint8Array {
  const { inputShape, classes, build }: Architecture = architectures[name];
  const graph = buildGraph(name);
  const input = graph.input('input', 'FLOAT', ['batch', ...inputShape]);
  build(layersOver(graph, seededRng(seed)), graph, input, 'output');
  graph.output('output', 'FLOAT', ['batch', classes]);
  return graph.encode({ metadata: { architecture: name, seed: String(seed), weights: 'random' } });
}
