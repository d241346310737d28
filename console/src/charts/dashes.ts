/** Dashes by what a line means, so that it is told from the others without its colour. */
import type { Line } from './model.ts';

const dashes: Readonly<Record<Line['kind'], readonly number[]>> = {
  line: [],
  step: [],
  limit: [6, 4],
  grey: [2, 3],
  forecast: [4, 3],
};

export function dashOf({ kind, dash }: Line): readonly number[] {
  return dash ?? dashes[kind];
}
