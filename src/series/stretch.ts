/**
 * A stretch of time in slots of equal length, read out of marks and blocks, and the same in longer steps. Pure.
 * Laws: what nobody recorded has no value and covers nothing; what was idle has its zeros; a longer step loses no count.
 */
import { columnKinds, idleRow, type Column, type Held } from './columns.ts';
import { valueAt, type SegmentContent } from './series-log.ts';

export interface Stretch {
  /** Unix milliseconds of the first slot. */
  readonly at: number;
  readonly slotMs: number;
  /** Milliseconds of each slot that were recorded. */
  readonly recordedMs: Float64Array;
  /** NaN where there is nothing, or nothing is known. */
  readonly values: ReadonlyMap<Column, Float64Array>;
}

export function emptyStretch(at: number, slotMs: number, length: number, columns: readonly Column[]): Stretch {
  const values = new Map(columns.map((column) => [column, new Float64Array(length).fill(Number.NaN)]));
  return { at, slotMs, recordedMs: new Float64Array(length), values };
}

/** Slots of `[from, to)` of one deployment; both whole slots. `content` is of whole segments, whose first mark has the fleet. */
export function unroll(
  deployment: string,
  from: number,
  to: number,
  slotMs: number,
  content: SegmentContent,
  columns: readonly Column[],
): Stretch {
  const length = Math.max(0, Math.round((to - from) / slotMs));
  const stretch = emptyStretch(from, slotMs, length, columns);
  const { recordedMs, values } = stretch;
  const marks = content.marks.toSorted((left, right) => left.from - right.from);
  // By slot: the block that counts, as its place in the list.
  const blockOf = new Int32Array(length).fill(-1);
  content.blocks.forEach((block, index) => {
    const first = Math.round((block.at - from) / slotMs);
    blockOf.fill(index, Math.max(0, first), Math.max(0, first + block.length));
  });
  cover(recordedMs, marks, from, slotMs);
  const wanted = [...values];
  let held: Held | undefined;
  let next = 0;
  for (let slot = 0; slot < length; slot += 1) {
    const at = from + slot * slotMs;
    for (; next < marks.length && (marks[next]?.from ?? Infinity) < at + slotMs; next += 1) {
      const fleet = marks[next]?.fleet;
      if (fleet !== undefined) held = Object.hasOwn(fleet, deployment) ? fleet[deployment] : undefined;
    }
    const block = content.blocks[blockOf[slot] ?? -1];
    if (block !== undefined) {
      const index = Math.round((at - block.at) / slotMs);
      for (const [column, into] of wanted) into[slot] = valueAt(block, column, index);
      held = {
        ready: valueAt(block, 'ready', index),
        starting: valueAt(block, 'starting', index),
        target: valueAt(block, 'target', index),
      };
      // A block whose mark was never written was recorded all the same.
      if (recordedMs[slot] === 0) recordedMs[slot] = slotMs;
    } else if (held === undefined) {
      recordedMs[slot] = 0;
    } else if ((recordedMs[slot] as number) > 0) {
      const row = idleRow(held);
      for (const [column, into] of wanted) into[slot] = row[column];
    }
  }
  return stretch;
}

function cover(recordedMs: Float64Array, marks: SegmentContent['marks'], from: number, slotMs: number): void {
  let coveredTo = -Infinity;
  for (const mark of marks) {
    let at = Math.max(mark.from, coveredTo, from);
    coveredTo = Math.max(coveredTo, mark.to);
    const end = Math.min(mark.to, from + recordedMs.length * slotMs);
    while (at < end) {
      const slot = Math.floor((at - from) / slotMs);
      const until = Math.min(end, from + (slot + 1) * slotMs);
      recordedMs[slot] = (recordedMs[slot] as number) + until - at;
      at = until;
    }
  }
}

/** `factor` slots to one; a last step that is not full is a step all the same. */
export function inSteps(stretch: Stretch, factor: number): Stretch {
  if (factor === 1) return stretch;
  const { at, slotMs, recordedMs, values } = stretch;
  const length = Math.ceil(recordedMs.length / factor);
  const out = emptyStretch(at, slotMs * factor, length, [...values.keys()]);
  for (let slot = 0; slot < recordedMs.length; slot += 1) {
    const step = Math.floor(slot / factor);
    out.recordedMs[step] = (out.recordedMs[step] as number) + (recordedMs[slot] as number);
  }
  for (const [column, from] of values) {
    const into = out.values.get(column) as Float64Array;
    for (let step = 0; step < length; step += 1) {
      into[step] = folded(column, from.subarray(step * factor, (step + 1) * factor), recordedMs, step * factor);
    }
  }
  return out;
}

function folded(column: Column, slots: Float64Array, recordedMs: Float64Array, first: number): number {
  const { fold } = columnKinds[column];
  let value = Number.NaN;
  let weight = 0;
  slots.forEach((one, index) => {
    if (Number.isNaN(one)) return;
    const recorded = recordedMs[first + index] as number;
    if (fold === 'mean') {
      value = (Number.isNaN(value) ? 0 : value) + one * recorded;
      weight += recorded;
    } else if (fold === 'last' || Number.isNaN(value)) value = one;
    else value = fold === 'sum' ? value + one : Math.max(value, one);
  });
  return fold === 'mean' && weight > 0 ? value / weight : value;
}

/** Writes the slots of `part` into those of `into` that lie at the same time, where something was recorded. */
export function paste(into: Stretch, part: Stretch): void {
  const offset = Math.round((part.at - into.at) / into.slotMs);
  part.recordedMs.forEach((recorded, slot) => {
    const at = slot + offset;
    if (recorded === 0 || at < 0 || at >= into.recordedMs.length) return;
    into.recordedMs[at] = recorded;
    for (const [column, values] of part.values) {
      const to = into.values.get(column);
      if (to !== undefined) to[at] = values[slot] as number;
    }
  });
}
