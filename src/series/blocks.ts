/** Rows of slots as blocks of a track, and the spans that lie side by side as one. Pure. */
import { columns, type Column, type Row } from './columns.ts';
import type { Block, Mark } from './series-log.ts';

/** Thousandths are finer than what is measured. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** `rows`: of slots that follow one another from `at` on; at least one. */
export function toBlock(at: number, rows: readonly Row[]): Block {
  const packed: Partial<Record<Column, number | readonly (number | null)[]>> = {};
  for (const column of columns) {
    const values = rows.map((row) => (Number.isNaN(row[column]) ? null : rounded(row[column])));
    const [first] = values;
    if (first === undefined) continue;
    if (values.some((value) => value !== first)) packed[column] = values;
    else if (first !== null) packed[column] = first;
  }
  return { at, length: rows.length, ...packed };
}

/** Spans in order of time; those that touch are one, unless the second says something new of the fleet. */
export function joined(marks: readonly Mark[]): readonly Mark[] {
  const out: Mark[] = [];
  for (const mark of marks) {
    const last = out.at(-1);
    if (last !== undefined && mark.fleet === undefined && mark.from <= last.to && mark.from >= last.from) {
      out[out.length - 1] = { ...last, to: Math.max(last.to, mark.to) };
    } else out.push(mark);
  }
  return out;
}
