/**
 * A CloudWatch-like alarm: means over whole periods, in a row above or below a line. A period in which nothing was known
 * is INSUFFICIENT_DATA: it breaks the row, so that nothing is scaled on silence. Times are seconds.
 */

export interface Periods {
  readonly startedAt: number;
  readonly seconds: number;
  readonly sum: number;
  /** Something in this period was not known. */
  readonly holed: boolean;
  /** Means of the last whole periods, the newest last; NaN where there was not enough data. */
  readonly means: readonly number[];
}

export const noPeriods = (at: number): Periods => ({ startedAt: at, seconds: 0, sum: 0, holed: false, means: [] });

/** `value`: NaN where nothing is known. */
export function count(
  periods: Periods,
  value: number,
  spanSeconds: number,
  length: number,
  kept: number,
  at: number,
): Periods {
  const known = Number.isFinite(value);
  const seconds = periods.seconds + (known ? spanSeconds : 0);
  const sum = periods.sum + (known ? value * spanSeconds : 0);
  const holed = periods.holed || !known;
  if (at - periods.startedAt < length) return { ...periods, seconds, sum, holed };
  const mean = holed || seconds === 0 ? Number.NaN : sum / seconds;
  return { startedAt: at, seconds: 0, sum: 0, holed: false, means: [...periods.means, mean].slice(-kept) };
}

/** Whether the last `needed` periods all pass. */
export function inARow(periods: Periods, needed: number, passes: (mean: number) => boolean): boolean {
  return periods.means.length >= needed && periods.means.slice(-needed).every(passes);
}
