/**
 * All forecasters of one deployment side by side: they see the requests of each step of ten seconds, and each has a
 * record at each horizon that means something: what a replica takes to serve, a minute, ten minutes.
 *
 * What they have to beat is "it stays as it is", in the better of two readings at that horizon: as the last step, or as
 * the mean of the last two minutes. Else whoever smooths would earn trust on noise, where a mean does as well.
 * Of each deployment one is kept, by whoever looks once a second: the live loop and the rehearsal alike.
 */
import { forecasters } from './list.ts';
import { lastValue } from './naive.ts';
import { authorityOf, forecastRecord, note, amend, type ForecastRecord, type RecordSettings } from './record.ts';
import type { Forecaster } from './forecaster.ts';

export const stepSeconds = 10;
const stepMs = stepSeconds * 1000;
/** Steps of the mean that is the other reading of "it stays". */
const levelSteps = 12;
/** Steps that are kept, for those who are asked with a history: an hour. */
export const keptSteps = 360;
/** Beside the lag. */
const horizonSeconds = [60, 600] as const;
/** After a gap this long nobody knows in which phase anything is: all begin anew. */
const gapStepsMax = 86_400 / stepSeconds;
/** The lag may move by this much before its record begins anew. */
const lagRatio = 1.25;

/** Twelve hours: long enough that what happens twice an hour is no chance. */
export const outlookSettings: RecordSettings = { halfLife: (12 * 3600) / stepSeconds, doubts: 2, evidence: 30 };
/** Less than this is not worth another target. */
const authorityLeast = 0.05;

export interface OutlookState {
  /** Steps ahead, the one of the lag first. */
  horizons: number[];
  /** By forecaster. */
  readonly states: unknown[];
  /** By forecaster, then by horizon; what each says now in the same order, NaN where it can't tell. */
  records: ForecastRecord[][];
  readonly said: Float64Array[];
  /** The two readings of "it stays": by reading, then by horizon. */
  stays: ForecastRecord[][];
  /** The last steps, as a ring. */
  readonly recent: Float64Array;
  steps: number;
  /** Of the step that is being filled: requests, and milliseconds that were seen and that have passed. */
  requests: number;
  seenMs: number;
  filledMs: number;
}

export interface Outlook {
  readonly forecasters: readonly Forecaster[];
  state: OutlookState;
}

/** What a policy is told: of the horizon that is its lag, the word of the most trusted. */
export interface Foresight {
  readonly seconds: number;
  /** Requests a second then, as it says. */
  readonly perSecond: number;
  /** How far it may be believed: above 0, up to 1. */
  readonly authority: number;
  readonly by: string;
}

/** All of the list but the last value, which is what they are held against. */
const builtIn: readonly Forecaster[] = forecasters(stepSeconds).filter(({ name }) => name !== lastValue.name);

const lagSteps = (lagSeconds: number): number => Math.max(1, Math.ceil(lagSeconds / stepSeconds - 1e-9));

function startState(known: readonly Forecaster[], lagSeconds: number): OutlookState {
  const horizons = [lagSteps(lagSeconds), ...horizonSeconds.map((seconds) => seconds / stepSeconds)];
  const records = (): ForecastRecord[] => horizons.map(forecastRecord);
  return {
    horizons,
    states: known.map((one) => one.start()),
    records: known.map(records),
    said: known.map(() => new Float64Array(horizons.length).fill(Number.NaN)),
    stays: [records(), records()],
    recent: new Float64Array(keptSteps).fill(Number.NaN),
    steps: 0,
    requests: 0,
    seenMs: 0,
    filledMs: 0,
  };
}

/** `more`: forecasters beside those built in. `lagSeconds`: from the order of a replica to its first answer. */
export function startOutlook(lagSeconds: number, more: readonly Forecaster[] = []): Outlook {
  const known = [...builtIn, ...more];
  return { forecasters: known, state: startState(known, lagSeconds) };
}

/**
 * What came in the last `spanMs`: `requests` NaN where that was not seen. Whether a step has ended, so that there is
 * something new to be said.
 */
export function watchLoad(outlook: Outlook, requests: number, spanMs: number, lagSeconds: number): boolean {
  followLag(outlook.state, lagSeconds);
  if (spanMs > gapStepsMax * stepMs) {
    outlook.state = startState(outlook.forecasters, lagSeconds);
    return true;
  }
  const isSeen = !Number.isNaN(requests);
  let left = spanMs;
  let ended = false;
  while (left > 0) {
    const { state } = outlook;
    const part = Math.min(left, stepMs - state.filledMs);
    if (isSeen) {
      state.requests += (requests * part) / spanMs;
      state.seenMs += part;
    }
    state.filledMs += part;
    left -= part;
    if (state.filledMs < stepMs) continue;
    // Half a step unseen and more says nothing of the whole.
    endStep(outlook, state.seenMs >= stepMs / 2 ? (state.requests * 1000) / state.seenMs : Number.NaN);
    state.requests = 0;
    state.seenMs = 0;
    state.filledMs = 0;
    ended = true;
  }
  return ended;
}

function followLag(state: OutlookState, lagSeconds: number): void {
  const steps = lagSteps(lagSeconds);
  const before = state.horizons[0] as number;
  if (Math.max(steps / before, before / steps) <= lagRatio) return;
  state.horizons[0] = steps;
  for (const records of [...state.records, ...state.stays]) records[0] = forecastRecord(steps);
  for (const said of state.said) said[0] = Number.NaN;
}

function endStep({ forecasters: known, state }: Outlook, value: number): void {
  state.recent[state.steps % keptSteps] = value;
  state.steps += 1;
  const readings = [value, levelOf(state)];
  for (let at = 0; at < state.horizons.length; at += 1) {
    const stays = staysAt(state, at, readings);
    for (let reading = 0; reading < readings.length; reading += 1)
      note(recordAt(state.stays, reading, at), value, readings[reading] as number, outlookSettings);
    for (let index = 0; index < known.length; index += 1) {
      const forecaster = known[index] as Forecaster;
      if (at === 0) state.states[index] = forecaster.observe(state.states[index], value);
      const said = forecaster.forecast(state.states[index], state.horizons[at] as number);
      (state.said[index] as Float64Array)[at] = said;
      note(recordAt(state.records, index, at), value, said, outlookSettings, stays);
    }
  }
}

const recordAt = (records: readonly ForecastRecord[][], index: number, at: number): ForecastRecord =>
  records[index]?.[at] as ForecastRecord;

/** The mean of the last two minutes, or of as much of them as was seen. */
function levelOf({ recent, steps }: OutlookState): number {
  let [sum, count] = [0, 0];
  for (let back = 1; back <= levelSteps; back += 1) {
    const value = recent[(steps - back + keptSteps) % keptSteps] as number;
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? Number.NaN : sum / count;
}

const meanError = ({ error, weight }: ForecastRecord): number => (weight === 0 ? 0 : error / weight);

/** The reading that has been the better one at this horizon. */
function staysAt(
  { stays }: OutlookState,
  at: number,
  [last = Number.NaN, level = Number.NaN]: readonly number[],
): number {
  return meanError(recordAt(stays, 1, at)) < meanError(recordAt(stays, 0, at)) ? level : last;
}

/** One that is asked at a step has answered before the next: its state holds the answer now. */
export function hear({ forecasters: known, state }: Outlook, index: number, heard: unknown): void {
  state.states[index] = heard;
  state.horizons.forEach((steps, at) => {
    const said = (known[index] as Forecaster).forecast(heard, steps);
    (state.said[index] as Float64Array)[at] = said;
    amend(recordAt(state.records, index, at), said);
  });
}

/** Requests a second of the last steps, an hour of them at most, oldest first; NaN where a step was not seen. */
export function recentSteps({ state }: Outlook): Float64Array {
  const { recent, steps } = state;
  const count = Math.min(steps, keptSteps);
  return Float64Array.from({ length: count }, (_, at) => recent[(steps - count + at) % keptSteps] as number);
}

export function trustIn({ state }: Outlook, index: number, at: number): number {
  const authority = authorityOf(recordAt(state.records, index, at), outlookSettings);
  return authority < authorityLeast ? 0 : authority;
}

/** Of the horizon at this place, the one that is believed most and says something; -1 where nobody is believed. */
export function mostTrusted(outlook: Outlook, at: number): number {
  let [best, most] = [-1, 0];
  for (let index = 0; index < outlook.forecasters.length; index += 1) {
    if (Number.isNaN(outlook.state.said[index]?.[at])) continue;
    const authority = trustIn(outlook, index, at);
    if (authority > most) [best, most] = [index, authority];
  }
  return best;
}

/** What a policy is told; undefined while nobody has authority. To be asked again when a step has ended. */
export function foresightOf(outlook: Outlook): Foresight | undefined {
  const index = mostTrusted(outlook, 0);
  if (index < 0) return undefined;
  const { state, forecasters: known } = outlook;
  return {
    seconds: (state.horizons[0] as number) * stepSeconds,
    perSecond: state.said[index]?.[0] as number,
    authority: trustIn(outlook, index, 0),
    by: (known[index] as Forecaster).name,
  };
}
