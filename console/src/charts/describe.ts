/** A chart in words, for those who do not see it and for those who want to quote it. Pure. */
import { words } from '../format/quantity.ts';
import { clock, zoneName, type Zone } from '../format/time.ts';
import type { ChartModel, Line } from './model.ts';

export type Trend = 'rising' | 'falling' | 'level' | 'unknown';

/** Of the last third against the one before it: by a tenth of the larger is a change. */
export function trendOf(values: readonly (number | null)[]): Trend {
  const third = Math.floor(values.length / 3);
  const mean = (part: readonly (number | null)[]): number | undefined => {
    const known = part.filter((value): value is number => value !== null);
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  if (third === 0) return 'unknown';
  const last = mean(values.slice(-third));
  const before = mean(values.slice(-2 * third, -third));
  if (last === undefined || before === undefined) return 'unknown';
  const most = Math.max(Math.abs(last), Math.abs(before));
  if (most === 0 || Math.abs(last - before) <= most / 10) return 'level';
  return last > before ? 'rising' : 'falling';
}

function lineWords({ name, values }: Line, { at, unit }: ChartModel, zone: Zone): string {
  const last = values.findLast((value) => value !== null);
  if (last === undefined) return `${name}: no data`;
  let index = 0;
  for (const [position, value] of values.entries())
    if (value !== null && value > (values[index] ?? -Infinity)) index = position;
  const moment = clock(at[index] ?? 0, zone);
  const trend = trendOf(values);
  const how = trend === 'unknown' ? '' : `, ${trend}`;
  return `${name}: last ${words(last, unit)}, highest ${words(values[index], unit)} at ${moment}${how}`;
}

export function sentence(model: ChartModel, zone: Zone): string {
  const { at, title, lines } = model;
  const [from] = at;
  const to = at.at(-1);
  if (from === undefined || to === undefined) return `${title}: nothing was recorded.`;
  const span = `${title} from ${clock(from, zone)} to ${clock(to, zone)} ${zoneName(to, zone)}.`;
  return [span, ...lines.filter(({ kind }) => kind !== 'limit').map((line) => `${lineWords(line, model, zone)}.`)].join(
    ' ',
  );
}

/** What all lines say at one point: for the read-out beside the cursor. */
export function readOut(model: ChartModel, index: number): readonly { readonly line: Line; readonly text: string }[] {
  return model.lines.map((line) => {
    const value = line.values[index];
    return { line, text: value == null ? '–' : words(value, model.unit) };
  });
}

/** Index of the point that is nearest to a moment; −1 where there is none. */
export function nearest(at: readonly number[], moment: number): number {
  if (at.length === 0) return -1;
  let low = 0;
  let high = at.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] as number) < moment) low = middle + 1;
    else high = middle;
  }
  const before = at[low - 1];
  return before !== undefined && moment - before < (at[low] as number) - moment ? low - 1 : low;
}
