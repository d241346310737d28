/**
 * A forecaster of daily and weekly cycles after Crane's DSP predictor (gocrane/crane, pkg/prediction/dsp): gaps are
 * filled linearly, outliers cut at the 0.1th and 99.9th percentile, only periods of one day (with three days of history)
 * and of one week (with two weeks) are considered, a period has to stand out of the noise and to be a hill of the
 * circular autocorrelation, and what is forecast is the sum of its harmonics that stand out as well.
 *
 * Crane finds the noise by a hundred shuffles. In shuffled data the power of a frequency is exponential, so the quantile
 * of the largest of m is known without any: mean power × -ln(1 - 0.99^(1/m)) (R. A. Fisher 1929). No chance is needed.
 */
import { quantileOf } from './scores.ts';
import type { Forecaster } from './forecaster.ts';

export interface Cycle {
  /** Of the period in bins, whose phase zero is the first bin of `history`. */
  readonly period: number;
  readonly mean: number;
  /** Harmonic, cosine, sine, in turn. */
  readonly harmonics: readonly number[];
  /** The bin number that phase zero belongs to. */
  readonly origin: number;
}

export interface Spectral {
  /** A ring of bin means, NaN where nothing was seen; the newest at `(filled - 1) % length`. */
  readonly bins: Float64Array;
  /** Bins filled so far. */
  filled: number;
  sum: number;
  count: number;
  steps: number;
  cycle: Cycle | null;
}

const significance = 0.99;
const harmonicsMax = 24;

/** Fills gaps in a straight line between what is known on both sides. */
export function fillGaps(values: Float64Array): Float64Array {
  let known = -1;
  for (let at = 0; at <= values.length; at += 1) {
    if (at < values.length && Number.isNaN(values[at])) continue;
    const left = known < 0 ? (values[at] ?? 0) : (values[known] as number);
    const right = at < values.length ? (values[at] as number) : left;
    for (let gap = known + 1; gap < at; gap += 1)
      values[gap] = left + ((right - left) * (gap - known)) / Math.max(1, at - known);
    known = at;
  }
  return values;
}

/** Outliers become the value before them. */
export function cutOutliers(values: Float64Array): Float64Array {
  const sorted = values.toSorted();
  const low = quantileOf(sorted, 0.001);
  const high = quantileOf(sorted, 0.999);
  for (let at = 1; at < values.length; at += 1) {
    const value = values[at] as number;
    if (value < low || value > high) values[at] = values[at - 1] as number;
  }
  return values;
}

/** Cosine and sine parts of one frequency: `turns` over the whole of the values. */
function partsOf(
  values: Float64Array,
  mean: number,
  turns: number,
): { readonly cosine: number; readonly sine: number } {
  let cosine = 0;
  let sine = 0;
  for (let at = 0; at < values.length; at += 1) {
    const angle = (2 * Math.PI * turns * at) / values.length;
    cosine += ((values[at] as number) - mean) * Math.cos(angle);
    sine += ((values[at] as number) - mean) * Math.sin(angle);
  }
  return { cosine: (2 * cosine) / values.length, sine: (2 * sine) / values.length };
}

/** Circular autocorrelation at one lag, 1 at none. */
export function autocorrelation(values: Float64Array, mean: number, variance: number, lag: number): number {
  let sum = 0;
  for (let at = 0; at < values.length; at += 1)
    sum += ((values[at] as number) - mean) * ((values[(at + lag) % values.length] as number) - mean);
  return sum / (values.length * variance);
}

/** The cycle of `period` bins in whole periods of values; null where none stands out. */
export function findCycle(values: Float64Array, period: number, origin: number): Cycle | null {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  if (variance <= 0) return null;
  const frequencies = Math.floor((values.length - 1) / 2);
  // In noise the mean of cosine² + sine² is 4σ²/n.
  const loudest = -Math.log(1 - significance ** (1 / frequencies));
  const threshold = ((4 * variance) / values.length) * loudest;
  const periods = values.length / period;
  const harmonics: number[] = [];
  for (let harmonic = 1; harmonic <= Math.min(harmonicsMax, Math.floor(period / 2)); harmonic += 1) {
    const { cosine, sine } = partsOf(values, mean, harmonic * periods);
    if (cosine ** 2 + sine ** 2 > threshold) harmonics.push(harmonic, cosine, sine);
  }
  if (harmonics.length === 0) return null;
  // A true period is a hill: half a period away on either side there is less.
  const at = autocorrelation(values, mean, variance, period);
  const quarter = Math.max(1, Math.floor(period / 4));
  const hill =
    at > autocorrelation(values, mean, variance, period - quarter) &&
    at > autocorrelation(values, mean, variance, period + quarter);
  return hill && at > 0 ? { period, mean, harmonics, origin } : null;
}

function valueAt({ period, mean, harmonics, origin }: Cycle, bin: number): number {
  let value = mean;
  for (let at = 0; at < harmonics.length; at += 3) {
    const angle = (2 * Math.PI * (harmonics[at] as number) * (bin - origin)) / period;
    value += (harmonics[at + 1] as number) * Math.cos(angle) + (harmonics[at + 2] as number) * Math.sin(angle);
  }
  return value;
}

const binsADay = 96;
const daily = { period: binsADay, history: 3 * binsADay };
const weekly = { period: 7 * binsADay, history: 14 * binsADay };
/** Bins between two looks for cycles: an hour. */
const refitBins = 4;

/** `stepSeconds`: width of one step; bins are a quarter of an hour. */
export function spectral(stepSeconds: number): Forecaster<Spectral> {
  const stepsABin = Math.max(1, Math.round(86_400 / binsADay / stepSeconds));
  const newest = (state: Spectral, count: number): Float64Array =>
    Float64Array.from(
      { length: count },
      (_, at) => state.bins[(state.filled - count + at) % state.bins.length] as number,
    );
  const fit = (state: Spectral): Cycle | null => {
    for (const { period, history } of [weekly, daily]) {
      if (state.filled < history) continue;
      const values = cutOutliers(fillGaps(newest(state, history)));
      const cycle = findCycle(values, period, state.filled - history);
      if (cycle !== null) return cycle;
    }
    return null;
  };
  return {
    name: 'spectral',
    start: () => ({
      bins: new Float64Array(weekly.history).fill(Number.NaN),
      filled: 0,
      sum: 0,
      count: 0,
      steps: 0,
      cycle: null,
    }),
    observe: (state, value) => {
      if (!Number.isNaN(value)) {
        state.sum += value;
        state.count += 1;
      }
      state.steps += 1;
      if (state.steps % stepsABin === 0) {
        state.bins[state.filled % state.bins.length] = state.count === 0 ? Number.NaN : state.sum / state.count;
        state.filled += 1;
        state.sum = 0;
        state.count = 0;
        if (state.filled % refitBins === 0) state.cycle = fit(state);
      }
      return state;
    },
    forecast: ({ cycle, steps }, ahead) => {
      if (cycle === null) return Number.NaN;
      // The middle of a bin stands for its mean.
      return Math.max(0, valueAt(cycle, (steps - 1 + ahead) / stepsABin - 0.5 + 0.5 / stepsABin));
    },
  };
}
