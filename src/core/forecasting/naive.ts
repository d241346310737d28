/** The naive forecasters: it stays as it is; it is as it was one period ago. Every other one has to beat the first. */
import type { Forecaster } from './forecaster.ts';

export const lastValue: Forecaster<number> = {
  name: 'last value',
  start: () => Number.NaN,
  observe: (state, value) => (Number.isNaN(value) ? state : value),
  forecast: (state) => state,
};

export interface Seasonal {
  /** Means of the bins of the last period; NaN where nothing was seen. */
  readonly bins: Float64Array;
  /** Steps seen so far, and what of the bin that is being filled. */
  seen: number;
  sum: number;
  count: number;
}

/**
 * As one period of `periodSteps` ago. The period is kept in at most `binsMax` bins, each the mean of its steps: a week of
 * seconds need not be kept by the second.
 */
export function seasonalNaive(name: string, periodSteps: number, binsMax = 1440): Forecaster<Seasonal> {
  const width = Math.max(1, Math.ceil(periodSteps / binsMax));
  const size = Math.ceil(periodSteps / width);
  const binOf = (step: number): number => Math.floor((step % periodSteps) / width);
  return {
    name,
    start: () => ({ bins: new Float64Array(size).fill(Number.NaN), seen: 0, sum: 0, count: 0 }),
    observe: (state, value) => {
      const bin = binOf(state.seen);
      if (!Number.isNaN(value)) {
        state.sum += value;
        state.count += 1;
      }
      state.seen += 1;
      if (width === 1 || binOf(state.seen) !== bin) {
        state.bins[bin] = state.count === 0 ? Number.NaN : state.sum / state.count;
        state.sum = 0;
        state.count = 0;
      }
      return state;
    },
    // The last value seen was step `seen - 1`. The bin that is being filled still holds the last period's mean.
    forecast: ({ bins, seen }, steps) => bins[binOf(seen - 1 + steps)] ?? Number.NaN,
  };
}
