/**
 * The record of one forecaster at one horizon: every forecast is kept until its moment has come, then its error is
 * compared with that of "it stays as it is" (persistence). Authority is what that comparison has shown lately, with
 * confidence:
 *
 *   skill = 1 - mean |error| / mean |error of persistence|      (decayed with `halfLife`)
 *   authority = max(0, skill less `doubts` standard errors), 0 with too little evidence
 *
 * Forecasts of h steps overlap, so n of them are worth n/h (as in Diebold and Mariano 1995). A change of the level of its
 * errors, as shares of what was there, takes the authority away at once; it has to be earned anew. Plain data, and a
 * step writes into it.
 */
import { conformalQuantile } from './scores.ts';
import { noChange, watch, type ChangePoint } from './change-point.ts';

export interface ForecastRecord {
  readonly horizon: number;
  /** Rings of what was said, and what would be if it stayed as it was, one place a step of the horizon. */
  readonly said: Float64Array;
  readonly stays: Float64Array;
  steps: number;
  /** Decayed sums: weight, error, persistence's error, their difference and its square. */
  weight: number;
  error: number;
  persistence: number;
  gain: number;
  gainSquared: number;
  /** A ring of errors (actual less forecast), for quantiles. */
  readonly errors: Float64Array;
  scored: number;
  change: ChangePoint;
  /** Changes so far. */
  changes: number;
}

export interface RecordSettings {
  /** Scored forecasts after which one counts half. */
  readonly halfLife: number;
  /** Standard errors that are taken off the skill. */
  readonly doubts: number;
  /** Independent forecasts before there is any authority. */
  readonly evidence: number;
}

export const recordDefaults: RecordSettings = { halfLife: 240, doubts: 1.64, evidence: 12 };

/** Errors that a quantile is taken from. */
const errorsKept = 256;

/** `horizon`: steps, at least 1. */
export function forecastRecord(horizon: number): ForecastRecord {
  return {
    horizon,
    said: new Float64Array(horizon).fill(Number.NaN),
    stays: new Float64Array(horizon).fill(Number.NaN),
    steps: 0,
    weight: 0,
    error: 0,
    persistence: 0,
    gain: 0,
    gainSquared: 0,
    errors: new Float64Array(errorsKept),
    scored: 0,
    change: noChange,
    changes: 0,
  };
}

function forget(record: ForecastRecord): void {
  record.weight = 0;
  record.error = 0;
  record.persistence = 0;
  record.gain = 0;
  record.gainSquared = 0;
  record.scored = 0;
}

function score(record: ForecastRecord, value: number, said: number, before: number, halfLife: number): void {
  const error = Math.abs(value - said);
  const gain = Math.abs(value - before) - error;
  const keep = 0.5 ** (1 / halfLife);
  record.weight = record.weight * keep + 1;
  record.error = record.error * keep + error;
  record.persistence = record.persistence * keep + Math.abs(value - before);
  record.gain = record.gain * keep + gain;
  record.gainSquared = record.gainSquared * keep + gain * gain;
  record.errors[record.scored % errorsKept] = value - said;
  record.scored += 1;
  // In shares: a load that grows by day has larger errors by day, which is no change.
  const { state, changed } = watch(record.change, error / Math.max(value, said, Number.MIN_VALUE));
  record.change = state;
  if (changed) {
    forget(record);
    record.changes += 1;
  }
}

/**
 * A step: `value` has come (NaN: it was not seen), and `forecast` is said of the value `horizon` steps later (NaN:
 * nothing is said). `stays`: what it would be then if it stayed as it is, `value` unless something smoother is meant.
 * Writes into the record.
 */
export function note(
  record: ForecastRecord,
  value: number,
  forecast: number,
  settings: RecordSettings = recordDefaults,
  stays = value,
): void {
  const place = record.steps % record.horizon;
  const said = record.said[place] as number;
  const before = record.stays[place] as number;
  if (!Number.isNaN(value + said + before)) score(record, value, said, before, settings.halfLife);
  record.said[place] = forecast;
  record.stays[place] = stays;
  record.steps += 1;
}

/** Another word for the same moment as the last, from who is asked at a step and answers before the next. */
export function amend(record: ForecastRecord, forecast: number): void {
  if (record.steps > 0) record.said[(record.steps - 1) % record.horizon] = forecast;
}

/** 1 is perfect, 0 is as good as "it stays as it is", below is worse; NaN without any record. */
export function skillOf(record: ForecastRecord): number {
  if (record.weight === 0) return Number.NaN;
  return record.persistence === 0
    ? record.error === 0
      ? 0
      : Number.NEGATIVE_INFINITY
    : 1 - record.error / record.persistence;
}

/** How far it may be believed, from 0 to 1. */
export function authorityOf(record: ForecastRecord, settings: RecordSettings = recordDefaults): number {
  const { weight, gain, gainSquared, persistence, horizon } = record;
  const independent = weight / horizon;
  if (independent < settings.evidence || persistence <= 0) return 0;
  const mean = gain / weight;
  const deviation = Math.sqrt(Math.max(0, gainSquared / weight - mean * mean) / independent);
  return Math.min(1, Math.max(0, (mean - settings.doubts * deviation) / (persistence / weight)));
}

/** The value that its forecast leaves below itself with probability `quantile`, by its errors of late; infinite with too few. */
export function quantileForecast(record: ForecastRecord, forecast: number, quantile: number): number {
  const errors = record.errors.slice(0, Math.min(record.scored, errorsKept)).sort();
  return forecast + conformalQuantile(errors, 1 - quantile).quantile;
}

/** As far as it is believed the forecast, for the rest what is there now. */
export function trusted(now: number, forecast: number, authority: number): number {
  return authority > 0 && Number.isFinite(forecast) ? now + authority * (forecast - now) : now;
}
