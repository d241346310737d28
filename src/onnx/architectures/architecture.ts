/** What each architecture says of itself: the shape that it takes, how many classes it gives, and its layers. */
import type { GraphBuilder } from '../writer.ts';
import type { Layers } from './layers.ts';

export interface Architecture {
  /** Without the batch dimension. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  readonly build: (layers: Layers, graph: GraphBuilder, input: string, output: string) => void;
}
