/**
 * Exponential smoothing: R. G. Brown 1956 (level), C. C. Holt 1957 (trend), P. R. Winters 1960 (season), E. S. Gardner
 * and E. McKenzie 1985 (damped trend). As statsmodels 0.15 writes it: the seasonal term is corrected against the level
 * and trend of the step before, and the last correction of the season is left out of forecasts (there, and so here: what
 * is compared must be the same).
 */

export interface SmoothingModel {
  readonly alpha: number;
  /** Absent: there is no trend. */
  readonly beta?: number | undefined;
  /** How much of the trend is left a step later; 1 is undamped. */
  readonly phi?: number | undefined;
  readonly gamma?: number | undefined;
  readonly seasonal?: 'additive' | 'multiplicative' | undefined;
}

export interface Smoothed {
  readonly level: number;
  readonly trend: number;
  /** One value a phase; empty where there is no season. The first belongs to the next value. */
  readonly season: readonly number[];
  /** What the last correction replaced at the end of `season`. */
  readonly replaced?: number | undefined;
}

function baseOf({ level, trend }: Smoothed, { beta, phi = 1 }: SmoothingModel): number {
  return beta === undefined ? level : level + phi * trend;
}

function withSeason(base: number, season: number | undefined, { seasonal }: SmoothingModel): number {
  if (season === undefined) return base;
  return seasonal === 'multiplicative' ? base * season : base + season;
}

/** What it expects of the next value. */
export function fitted(state: Smoothed, model: SmoothingModel): number {
  return withSeason(baseOf(state, model), state.season[0], model);
}

export function smooth(state: Smoothed, model: SmoothingModel, value: number): Smoothed {
  const { alpha, beta, gamma = 0, phi = 1, seasonal } = model;
  const base = baseOf(state, model);
  const [phase, ...later] = state.season;
  const isRatio = seasonal === 'multiplicative';
  const deseasoned = phase === undefined ? value : isRatio ? value / phase : value - phase;
  const level = alpha * deseasoned + (1 - alpha) * base;
  const trend = beta === undefined ? 0 : beta * (level - state.level) + (1 - beta) * phi * state.trend;
  if (phase === undefined) return { level, trend, season: state.season };
  const renewed = gamma * (isRatio ? value / base : value - base) + (1 - gamma) * phase;
  return { level, trend, season: [...later, renewed], replaced: phase };
}

/** `steps` ahead, at least 1: the trend goes on by φ + φ² + … + φ^steps. */
export function smoothedForecast(state: Smoothed, model: SmoothingModel, steps: number): number {
  const { beta, phi = 1 } = model;
  const along = phi === 1 ? steps : (phi * (1 - phi ** steps)) / (1 - phi);
  const base = beta === undefined ? state.level : state.level + along * state.trend;
  const { season, replaced } = state;
  const phase = (steps - 1) % Math.max(1, season.length);
  return withSeason(base, phase === season.length - 1 ? (replaced ?? season[phase]) : season[phase], model);
}
