/**
 * The ways that build on the forecast, while nobody may be believed. Their measure is then the mean of 30 s, so each is
 * the twin of one that builds on that mean. They become so whole: with the twin's record, queue and windows. A multiplier
 * that was enough for who knew what comes is then no longer taken, and who forecasts next has to earn the choice anew.
 */
import { forecastFallback, forecastSignal } from './load-signals.ts';
import type { Shadows } from './shadows.ts';
import type { SlidingMax } from '../sliding-max.ts';
import { multipliers } from './ways.ts';

/** The twin of a way that builds on the forecast; any other is itself. */
export function withoutForecast(holds: readonly number[], way: number): number {
  const signal = holds.length * multipliers.length;
  return Math.floor(way / signal) === forecastSignal ? way - (forecastSignal - forecastFallback) * signal : way;
}

function become(window: SlidingMax, twin: SlidingMax): void {
  window.values.set(twin.values);
  window.indexes.set(twin.indexes);
  window.first = twin.first;
  window.length = twin.length;
}

export function forgetForecasts(all: Shadows): void {
  const { holds, highest, lowest } = all;
  const pairs = holds.length;
  for (let hold = 0; hold < pairs; hold += 1) {
    const [own, twin] = [forecastSignal * pairs + hold, forecastFallback * pairs + hold];
    become(highest[own] as SlidingMax, highest[twin] as SlidingMax);
    become(lowest[own] as SlidingMax, lowest[twin] as SlidingMax);
  }
  const copy = (values: Float64Array, width: number): void => {
    const from = forecastFallback * width;
    values.copyWithin(forecastSignal * width, from, from + width);
  };
  copy(all.held, pairs);
  copy(all.reached, pairs);
  const ways = pairs * multipliers.length;
  for (const values of [all.queues, all.targets, all.ready, all.surplus, all.late, all.cost]) copy(values, ways);
}
