/** Holt's linear trend, damped (Gardner and McKenzie 1985): for loads that climb or fall for a while. */
import { smooth, smoothedForecast, type Smoothed } from './smoothing.ts';
import type { Forecaster } from './forecaster.ts';

export function dampedHolt(alpha = 0.5, beta = 0.1, phi = 0.9): Forecaster<Smoothed> {
  const model = { alpha, beta, phi };
  return {
    name: 'damped Holt',
    start: () => ({ level: Number.NaN, trend: 0, season: [] }),
    observe: (state, value) => {
      if (Number.isNaN(value)) return state;
      return Number.isNaN(state.level) ? { level: value, trend: 0, season: [] } : smooth(state, model, value);
    },
    // A trend that falls leads below nothing; load doesn't.
    forecast: (state, steps) =>
      Number.isNaN(state.level) ? Number.NaN : Math.max(0, smoothedForecast(state, model, steps)),
  };
}
