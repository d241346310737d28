/**
 * All that the rehearsing policy remembers, and how one more second of load enters it: live, from recorded traffic
 * before the first live second, and once more when the tier has become faster or slower. Plain data.
 */
import { capOf } from './cap.ts';
import { noCurve, type Curve } from './capacity-curve.ts';
import { append, loadHistory, type LoadHistory } from './load-history.ts';
import { noPeaks, nothingForetold, signalNames, writeSignals, type Foretold, type Peaks } from './load-signals.ts';
import { forgetForecasts, withoutForecast } from './forecast-ways.ts';
import { requirementOf } from './requirement.ts';
import { priorsOf, select } from './selection.ts';
import { advance, shadows, type Shadows, type World } from './shadows.ts';
import { turningPrice } from './settle.ts';
import { holdsOf } from './ways.ts';

/** What can be set, and what the observation says about the tier. */
export interface Terms {
  readonly tolerated: number;
  /** Seconds: objective less service time, deadline less service time. */
  patience: number;
  endurance: number;
  /** Effective units there have to be, and may be. */
  least: number;
  most: number;
  curve: Curve;
}

export interface Rehearsal {
  readonly history: LoadHistory;
  readonly peaks: Peaks;
  readonly signals: Float64Array;
  readonly all: Shadows;
  readonly priors: Float64Array;
  readonly world: { -readonly [Name in keyof World]: World[Name] };
  /** Seconds of load that came before this history, when the lag had another value. */
  readonly older: number;
  /** Some forecast has been believed since the ways that build on it were last judged anew. */
  foreseeing: boolean;
  /** Of the step of the shadows that is being filled. */
  work: number;
  seconds: number;
  requirement: number;
  /** The way that is taken, and what was known when it was; -1 before the first. */
  chosen: number;
  least: number;
  target: number;
  selectedAt: number;
  /** Seconds for which no way has come near to what is tolerated. */
  hopeless: number;
}

const selectSeconds = 30;
/** Units beside the load: half of one that rounding takes on average, and what randomness within a second asks for. */
const slack = 0.9;

export function rehearsal(lag: number, older = 0): Rehearsal {
  const holds = holdsOf(lag);
  return {
    history: loadHistory(),
    peaks: noPeaks(),
    signals: new Float64Array(signalNames.length),
    all: shadows(lag, holds),
    priors: priorsOf(holds, lag),
    world: {
      patience: 0,
      endurance: 0,
      least: 0,
      cap: 1,
      slack,
      startPrice: lag,
      turning: turningPrice(lag),
      curve: noCurve,
    },
    older,
    foreseeing: false,
    work: 0,
    seconds: 0,
    requirement: 0,
    chosen: -1,
    least: 0,
    target: 0,
    selectedAt: Number.NEGATIVE_INFINITY,
    hopeless: 0,
  };
}

export function ageOf({ history, older }: Rehearsal): number {
  return history.seconds + older;
}

/**
 * Whether no way at this lag comes near to what is tolerated, and has not for long. Then margin above the highest need
 * there was buys nothing, and is not bought: it is said that a standing fleet of that size would keep the promise.
 */
export function isHopeless({ hopeless, all }: Rehearsal): boolean {
  return hopeless > Math.max(3600, 10 * all.lag);
}

/** One more second of this load, in units of the tier, and what was foretold in it. */
export function feed(state: Rehearsal, load: number, terms: Terms, foretold: Foretold = nothingForetold): void {
  const { history, peaks, all, world } = state;
  if (foretold.authority > 0) state.foreseeing = true;
  else if (state.foreseeing) loseForesight(state, terms);
  // Before this second enters: which way is taken must not turn on the load that it is then asked about.
  if (all.ticks > 0 && history.seconds - state.selectedAt >= selectSeconds) choose(state, terms);
  append(history, load);
  state.work += load;
  state.seconds += 1;
  state.requirement = Math.max(state.requirement, requirementOf(history, terms.patience));
  if (state.seconds < all.tick) return;

  writeSignals(state.signals, history, peaks, state.requirement, all.lag, foretold);
  world.patience = terms.patience;
  world.endurance = terms.endurance;
  world.least = terms.least;
  const cap = isHopeless(state) ? peaks.all + 1 : capOf(peaks.all, all.lag, ageOf(state));
  world.cap = Math.min(cap, terms.most);
  world.curve = terms.curve;
  advance(all, state.work, state.signals, world);
  state.work = 0;
  state.seconds = 0;
  state.requirement = 0;
}

/** Nobody is believed any more: a record that was made with forecasts says nothing of what is without them. */
function loseForesight(state: Rehearsal, terms: Terms): void {
  state.foreseeing = false;
  forgetForecasts(state.all);
  const instead = withoutForecast(state.all.holds, state.chosen);
  if (instead === state.chosen) return;
  state.chosen = instead;
  choose(state, terms);
}

function choose(state: Rehearsal, { tolerated }: Terms): void {
  const { index, least, target } = select(state.all, state.priors, tolerated, state.chosen);
  const since = Number.isFinite(state.selectedAt) ? state.history.seconds - state.selectedAt : 0;
  state.hopeless = least > 3 * tolerated ? state.hopeless + since : 0;
  state.chosen = index;
  state.least = least;
  state.target = target;
  state.selectedAt = state.history.seconds;
}
