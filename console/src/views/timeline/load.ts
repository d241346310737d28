/** The load of a deployment and its ready replicas as lines of a lane. Pure: what nobody recorded is a gap. */
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import { highest, linePath } from '../../charts/path.ts';

export interface LoadLines {
  /** Of the first and of the last point; Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Requests per second. */
  readonly load: readonly (number | null)[];
  readonly ready: readonly (number | null)[];
  readonly highest: number;
  readonly last: number | undefined;
  readonly path: (line: 'load' | 'ready', width: number, height: number) => string;
}

/** Undefined: nothing was recorded. */
export function loadLines({ from, stepMs, recordedMs, columns }: SeriesView): LoadLines | undefined {
  const arrivals = columns['arrivals'] ?? [];
  const ready = columns['ready'] ?? [];
  const load = arrivals.map((count, index) => {
    const ms = recordedMs[index] ?? 0;
    return count === null || ms === 0 ? null : (count * 1000) / ms;
  });
  if (load.length < 2 || load.every((value) => value === null)) return undefined;
  const most = highest(load, 0);
  const mostReady = highest(ready, 1);
  return {
    from,
    to: from + (load.length - 1) * stepMs,
    load,
    ready,
    highest: most,
    last: load.findLast((value) => value !== null) ?? undefined,
    path: (line, width, height) =>
      line === 'load'
        ? linePath(load, { width, height, low: 0, high: Math.max(most, 1e-9) })
        : linePath(ready, { width, height, low: 0, high: mostReady * 1.1 }, true),
  };
}

/** Of the points between two moments; undefined where none was recorded. */
export function meanBetween(
  { from, stepMs }: SeriesView,
  values: readonly (number | null)[],
  start: number,
  end: number,
): number | undefined {
  const own = values.filter((value, index): value is number => {
    const at = from + index * stepMs;
    return value !== null && at >= start && at < end;
  });
  return own.length === 0 ? undefined : own.reduce((sum, value) => sum + value, 0) / own.length;
}
