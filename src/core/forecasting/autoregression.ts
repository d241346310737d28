/**
 * An autoregression that learns as it goes: recursive least squares with forgetting (R. L. Plackett 1950; L. Ljung, System
 * Identification, 1999, section 11.2). It learns the next difference from a constant (the trend), the level (how it is
 * drawn back to a mean) and the last differences; before it has learned anything, things stay as they are. Several steps
 * ahead it goes on from its own forecasts, kept between nothing and twice the most it has seen lately: a polynomial that runs away is no forecast.
 */
import type { Forecaster } from './forecaster.ts';

export interface Autoregression {
  /** Newest first. */
  readonly recent: Float64Array;
  readonly weights: Float64Array;
  /** The inverse covariance of the inputs, row by row. */
  readonly covariance: Float64Array;
  seen: number;
  /** The most of late, fading slowly; values are divided by it, so that no scale is better conditioned than another. */
  peak: number;
}

const initialVariance = 100;
const fading = 0.999;

/** `order`: past values it looks at, at least 2; `forgetting`: weight that a step keeps from one step to the next. */
export function autoregression(order = 6, forgetting = 0.995): Forecaster<Autoregression> {
  const size = order + 1; // a constant, the level, and order - 1 differences
  const gain = new Float64Array(size);
  const inputs = new Float64Array(size);

  const fill = (recent: ArrayLike<number>, scale: number): void => {
    inputs[0] = 1;
    inputs[1] = (recent[0] as number) / scale;
    for (let lag = 1; lag < order; lag += 1)
      inputs[lag + 1] = ((recent[lag - 1] as number) - (recent[lag] as number)) / scale;
  };
  const dot = (weights: ArrayLike<number>): number => {
    let sum = 0;
    for (let at = 0; at < size; at += 1) sum += (weights[at] as number) * (inputs[at] as number);
    return sum;
  };

  const learn = (state: Autoregression, value: number): void => {
    const { covariance, weights } = state;
    fill(state.recent, state.peak);
    // Where inputs bring nothing new, forgetting would blow the covariance up: then nothing is forgotten.
    let trace = 0;
    for (let row = 0; row < size; row += 1) trace += covariance[row * size + row] as number;
    const kept = trace > initialVariance * size ? 1 : forgetting;
    let spread = kept;
    for (let row = 0; row < size; row += 1) {
      let sum = 0;
      for (let column = 0; column < size; column += 1)
        sum += (covariance[row * size + column] as number) * (inputs[column] as number);
      gain[row] = sum;
      spread += sum * (inputs[row] as number);
    }
    const error = (value - (state.recent[0] as number)) / state.peak - dot(weights);
    for (let row = 0; row < size; row += 1) {
      weights[row] = (weights[row] as number) + ((gain[row] as number) / spread) * error;
      for (let column = 0; column < size; column += 1) {
        const at = row * size + column;
        const less = ((gain[row] as number) * (gain[column] as number)) / spread;
        covariance[at] = ((covariance[at] as number) - less) / kept;
      }
    }
  };

  return {
    name: 'autoregression',
    start: () => {
      const covariance = new Float64Array(size * size);
      for (let row = 0; row < size; row += 1) covariance[row * size + row] = initialVariance;
      return { recent: new Float64Array(order), weights: new Float64Array(size), covariance, seen: 0, peak: 0 };
    },
    observe: (state, value) => {
      if (Number.isNaN(value)) {
        // The row of values is broken: it has to fill up again before the next is learned from.
        state.seen = 0;
        return state;
      }
      state.peak = Math.max(value, state.peak * fading, 1e-9);
      if (state.seen >= order) learn(state, value);
      state.recent.copyWithin(1, 0);
      state.recent[0] = value;
      state.seen += 1;
      return state;
    },
    forecast: (state, steps) => {
      if (state.seen < order) return Number.NaN;
      const ahead = Float64Array.from(state.recent);
      for (let step = 0; step < steps; step += 1) {
        fill(ahead, state.peak);
        const next = Math.min(2 * state.peak, Math.max(0, (ahead[0] as number) + dot(state.weights) * state.peak));
        ahead.copyWithin(1, 0);
        ahead[0] = Number.isFinite(next) ? next : (state.recent[0] as number);
      }
      return ahead[0] as number;
    },
  };
}
