/**
 * The seam between what records series and what keeps them. A track is a row of segments, each of which is written at
 * its end, read as a whole and removed as a whole; it knows nothing of what the numbers mean.
 *
 *   fine    a slot a second, a segment an hour        coarse  a slot a minute, a segment a day
 *
 * A mark says that a span was recorded, of every deployment there was; a block holds the slots of one deployment in
 * which something happened. So what is idle costs nothing, and is told from what nobody recorded.
 */
import { columns, type Column, type Held } from './columns.ts';

export const trackSlotMs = { fine: 1000, coarse: 60_000 } as const;
export const trackSegmentMs = { fine: 3_600_000, coarse: 86_400_000 } as const;
export type Track = keyof typeof trackSlotMs;

/** Times are Unix milliseconds, here and below; a span ends before `to`. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  /** Every deployment that there is from here on, as it stands; absent: the same as by the mark before. */
  readonly fleet?: Readonly<Record<string, Held>>;
}

/** Slots that follow one another: a column has one number for all of them, or one each; absent is not known. */
export interface Block extends Partial<Readonly<Record<Column, number | readonly (number | null)[]>>> {
  readonly at: number;
  readonly length: number;
}

export interface SegmentContent {
  readonly marks: readonly Mark[];
  /** In the order in which they were written: of two that hold the same slot the later one counts. */
  readonly blocks: readonly Block[];
}

export interface SeriesLog extends AsyncDisposable {
  /** Starts of the segments that are there, ascending. */
  segments(track: Track): Promise<readonly number[]>;
  /** What a segment takes of the disk. */
  bytes(track: Track, segment: number): Promise<number>;
  /** Blocks by deployment. Marks are written last: a span is recorded only when everything of it is there. */
  append(
    track: Track,
    segment: number,
    marks: readonly Mark[],
    blocks: ReadonlyMap<string, readonly Block[]>,
  ): Promise<void>;
  /**
   * The marks, and the blocks of the deployment where one is named; nothing where there is no such segment. What cannot be
   * read, as after a crash in the middle of a line, is left out.
   */
  read(track: Track, segment: number, deployment?: string): Promise<SegmentContent>;
  /** Deployments that have blocks in it, sorted. */
  names(track: Track, segment: number): Promise<readonly string[]>;
  remove(track: Track, segment: number): Promise<void>;
}

export const segmentOf = (track: Track, at: number): number =>
  Math.floor(at / trackSegmentMs[track]) * trackSegmentMs[track];

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** What was read as a mark or a block, if it is one. */
export function toMark(value: unknown): Mark | undefined {
  const mark = value as Partial<Mark> | null;
  return typeof mark === 'object' && isCount(mark?.from) && isCount(mark.to) ? (mark as Mark) : undefined;
}

const slotsOfBlockMax = 3600;

export function toBlock(value: unknown): Block | undefined {
  const block = value as Partial<Block> | null;
  if (typeof block !== 'object' || block === null || !isCount(block.at) || !isCount(block.length)) return undefined;
  const { length } = block;
  if (length < 1 || length > slotsOfBlockMax) return undefined;
  const isSound = columns.every((column) => {
    const values: unknown = block[column];
    if (values === undefined || isNumber(values)) return true;
    return Array.isArray(values) && values.length === length && values.every((one) => one === null || isNumber(one));
  });
  return isSound ? (block as Block) : undefined;
}

/** NaN: not known. */
export function valueAt(block: Block, column: Column, index: number): number {
  const values = block[column];
  if (values === undefined) return Number.NaN;
  return typeof values === 'number' ? values : (values[index] ?? Number.NaN);
}
