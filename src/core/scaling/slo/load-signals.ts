/**
 * The ten measures of load that the ways to run a fleet build on: means over four windows, a trend led by the lag, a
 * floor from the last hour, the forecast as far as it is believed, and the largest requirement of an hour, of six and of
 * all time. In units of the tier.
 */
import { hourSeconds, meanOver, sumOver, type LoadHistory } from './load-history.ts';
import { trusted } from '../../forecasting/record.ts';
import { record, slidingMax, type SlidingMax } from '../sliding-max.ts';

export const signalNames = [
  'the mean of 3 s',
  'the mean of 10 s',
  'the mean of 30 s',
  'the mean of 120 s',
  'the trend',
  'the mean of 10 s, not below that of an hour',
  'the forecast',
  'the peak of an hour',
  'the peak of six hours',
  'the highest peak',
] as const;

/** The first signal that remembers a peak; those after it do, too. */
export const firstPeak = 7;
/** The forecast, and what it is while nobody may be believed: the very same figure, so that nothing is decided otherwise. */
export const forecastSignal = 6;
export const forecastFallback = 2;

/** Width of a bucket of the peaks, in seconds. */
const bucket = 60;

export interface Peaks {
  readonly hour: SlidingMax;
  readonly sixHours: SlidingMax;
  all: number;
}

export function noPeaks(): Peaks {
  return { hour: slidingMax(hourSeconds / bucket), sixHours: slidingMax((6 * hourSeconds) / bucket), all: 0 };
}

/**
 * Where the load will be when what is ordered now serves: the recent mean and its slope over the lag. The recent mean is
 * that of max(5, span/2) seconds with span = max(10, lag), and the slope is taken to the one that ended a span ago. The
 * middle of the recent mean is span/4 old, which the trend makes up for; 0.7 of the lag, since growth does not last.
 */
function trendOf(history: LoadHistory, lag: number, long: number): number {
  const span = Math.max(10, Math.round(lag));
  const before = Math.round(1.5 * span);
  if (history.seconds < before) return long;
  const recent = meanOver(history, Math.max(5, Math.round(span / 2)));
  const earlier = sumOver(history, before, span) / (before - span);
  return Math.max(long, recent + ((recent - earlier) / span) * (0.7 * lag + span / 4));
}

/** What is foretold for a lag from now, in units of the tier, and how far it may be believed; 0: not at all. */
export interface Foretold {
  readonly load: number;
  readonly authority: number;
}

export const nothingForetold: Foretold = { load: Number.NaN, authority: 0 };

/** Writes the ten into `signals`. `lag`: seconds from order to serving. */
export function writeSignals(
  signals: Float64Array,
  history: LoadHistory,
  peaks: Peaks,
  requirement: number,
  lag: number,
  { load, authority }: Foretold = nothingForetold,
): void {
  const minute = Math.floor(history.seconds / bucket);
  const long = meanOver(history, 120);
  const ten = meanOver(history, 10);
  peaks.all = Math.max(peaks.all, requirement);
  signals[0] = meanOver(history, 3);
  signals[1] = ten;
  const steady = meanOver(history, 30);
  signals[forecastFallback] = steady;
  signals[3] = long;
  signals[4] = trendOf(history, lag, long);
  signals[5] = Math.max(ten, meanOver(history, hourSeconds));
  signals[forecastSignal] = trusted(steady, load, authority);
  signals[7] = record(peaks.hour, minute, requirement);
  signals[8] = record(peaks.sixHours, minute, requirement);
  signals[9] = peaks.all;
}
