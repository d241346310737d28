/** What a chart shows, as data: the same for the canvas, the table, the sentence and the read-out. */
import type { Unit } from '../format/quantity.ts';

export type LineKind =
  | 'line'
  /** Held until the next: counts of things. */
  | 'step'
  /** What is promised. */
  | 'limit'
  /** What did not happen, but would have. */
  | 'grey'
  /** What is expected. */
  | 'forecast';

export interface Line {
  readonly id: string;
  readonly name: string;
  /** A custom property of the style sheet. */
  readonly colour: string;
  readonly kind: LineKind;
  /** Lines of one colour are told apart by it, and all are without colours. */
  readonly dash?: readonly number[];
  /** One a point; null where nothing is known. */
  readonly values: readonly (number | null)[];
}

export interface Band {
  readonly name: string;
  readonly colour: string;
  /** Ids of two lines. */
  readonly between: readonly [string, string];
}

/** Something that happened, on the axis. */
export interface ChartMark {
  readonly at: number;
  readonly shape: 'up' | 'down' | 'hold' | 'change';
  readonly text: string;
}

export interface ChartModel {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Unix milliseconds, ascending. */
  readonly at: readonly number[];
  readonly lines: readonly Line[];
  readonly bands?: readonly Band[];
  readonly marks?: readonly ChartMark[];
  /** The top of the scale is at least this. */
  readonly floor: number;
  /** What the axis shows, so that charts under one another agree. */
  readonly span: { readonly from: number; readonly to: number };
  /** Of the newest point that has been; what follows is expected. */
  readonly lastIndex: number;
  /** Only the lowest of several charts has the times under it. */
  readonly isLowest: boolean;
}
