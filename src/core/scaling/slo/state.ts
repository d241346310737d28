/**
 * What the rehearsing policy keeps between two steps, and how an observation enters it: seconds that were seen are
 * learned from, a tier that has become faster or slower is rehearsed anew, and recorded traffic can be learned from
 * before the first live second.
 */
import { curveOf, effectiveOf, noCurve } from './capacity-curve.ts';
import { ageOf, feed, rehearsal, type Rehearsal, type Terms } from './memory.ts';
import { hourSeconds, loadAt } from './load-history.ts';
import { nothingForetold, type Foretold } from './load-signals.ts';
import { evidenceOf } from './shadows.ts';
import { doubtOf } from '../signals.ts';
import { orderToServingMs, type Observation } from '../observation.ts';

export interface SloState {
  rehearsal: Rehearsal;
  /** Of the second that is being filled. */
  work: number;
  spanMs: number;
  /** Seconds that one request takes of a unit; NaN before it is known. */
  serviceSeconds: number;
  readonly terms: Terms;
  /** What it started with, and until when it stays at least that, monotonic milliseconds. */
  readonly guardUnits: number;
  readonly guardUntil: number;
  kickUnits: number;
  kickUntil: number;
  /** Seconds of the whole fleet that it has held too much. */
  surplus: number;
  /** Work that waited a step ago. */
  backlog: number;
  /** Since when nothing has been seen (NaN while something is), and what was held then. */
  blindSince: number;
  blindFrom: number;
  /** Seconds of load that had been seen when everything was rehearsed anew. */
  relearnedAt: number;
  /** Seconds of load that had been seen when the curve was drawn, and the units that there had to and might be then. */
  drawnAt: number;
  drawnFrom: number;
  drawnTo: number;
}

/** How far the lag may move before everything is rehearsed anew at it, and how often that may be, seconds of load. */
const lagRatio = 1.25;
const relearnSeconds = 300;
/** A step that covers more than this counts as this much: a load of an hour ago is no load of now. */
const secondsAtOnce = 60;

const lagOf = (seen: Observation): number => Math.max(0.1, orderToServingMs(seen.lag) / 1000);

export function startSlo(seen: Observation, tolerated: number, at: number): SloState {
  const lag = lagOf(seen);
  return {
    rehearsal: rehearsal(lag),
    work: 0,
    spanMs: 0,
    serviceSeconds: Number.NaN,
    terms: { tolerated, patience: 0, endurance: 0, least: 0, most: 1, curve: noCurve },
    guardUnits: seen.fleet.target,
    guardUntil: at + Math.min(600, Math.max(120, 2 * lag)) * 1000,
    kickUnits: 0,
    kickUntil: Number.NEGATIVE_INFINITY,
    surplus: 0,
    backlog: 0,
    blindSince: Number.NaN,
    blindFrom: 0,
    relearnedAt: 0,
    drawnAt: Number.NEGATIVE_INFINITY,
    drawnFrom: 0,
    drawnTo: 0,
  };
}

/** What the observation says of the promise and the tier; the curve, which takes a while to draw, once in 30 s of load. */
export function updateTerms(state: SloState, seen: Observation): void {
  const { terms, serviceSeconds } = state;
  const { latencyMs, deadlineMs } = seen.objective;
  terms.patience = Math.max(0.05 * (latencyMs / 1000), latencyMs / 1000 - serviceSeconds);
  terms.endurance = Math.max(terms.patience, deadlineMs / 1000 - serviceSeconds);
  const age = ageOf(state.rehearsal);
  if (age - state.drawnAt >= 30 || seen.min !== state.drawnFrom || seen.max !== state.drawnTo) {
    const perUnit = serviceSeconds / seen.replicasPerUnit;
    terms.curve = seen.capacity.length === 0 ? noCurve : curveOf(seen.capacity, seen.replicasPerUnit, perUnit, seen);
    state.drawnAt = age;
    state.drawnFrom = seen.min;
    state.drawnTo = seen.max;
  }
  // The bound is one of real units: as many effective ones may be worth more of them.
  terms.least = effectiveOf(terms.curve, seen.min);
  terms.most = Math.max(1, Math.min(seen.max, Math.ceil(terms.curve.most)));
}

/** Everything that is remembered of the load, rehearsed at the lag that the tier has now. */
function relearn(state: SloState, lag: number): void {
  const before = state.rehearsal;
  const { seconds } = before.history;
  const kept = Math.min(seconds, hourSeconds);
  const next = rehearsal(lag, ageOf(before) - kept);
  next.peaks.all = before.peaks.all;
  state.relearnedAt = ageOf(before);
  for (let back = kept; back > 0; back -= 1) feed(next, loadAt(before.history, back), state.terms);
  state.rehearsal = next;
}

/** Whole seconds of what was seen go into the rehearsal; a rest waits for the next step. */
export function take(state: SloState, seen: Observation): void {
  const { arrivals, late } = seen.signals;
  const perRequest = state.serviceSeconds / seen.replicasPerUnit;
  state.work += arrivals.value * perRequest;
  state.spanMs += Math.max(1, seen.spanMs);
  const whole = Math.floor(state.spanMs / 1000);
  if (whole > 0) {
    const load = (state.work * 1000) / state.spanMs;
    const foretold = foretoldOf(seen, perRequest);
    for (let second = 0; second < Math.min(whole, secondsAtOnce); second += 1)
      feed(state.rehearsal, load, state.terms, foretold);
    state.spanMs -= whole * 1000;
    state.work = (load * state.spanMs) / 1000;
  }
  const { all } = state.rehearsal;
  if (late.kind === 'fresh') all.ownLate += evidenceOf(all) * late.value * perRequest;
}

function foretoldOf({ foresight }: Observation, perRequest: number): Foretold {
  return foresight === undefined
    ? nothingForetold
    : { load: foresight.perSecond * perRequest, authority: foresight.authority };
}

/** Why what is seen cannot be learned from, if so; learns the service time on the way. */
export function doubtsOf(state: SloState, { signals }: Observation): string | undefined {
  const { arrivals, serviceMs } = signals;
  if (serviceMs.kind === 'fresh' && serviceMs.value > 0) state.serviceSeconds = serviceMs.value / 1000;
  const doubt = doubtOf('the load', arrivals);
  if (doubt !== undefined) return doubt;
  const isKnown = !Number.isNaN(state.serviceSeconds);
  // Who has no requests measures no service time: the last one stands. With requests there has to be one.
  if (isKnown && arrivals.value === 0) return undefined;
  // Of none at all a request would be no load.
  return doubtOf('the service time', serviceMs) ?? (isKnown ? undefined : 'the service time is not known');
}

/** Rehearses anew where the tier has become faster or slower by a quarter, not more often than every five minutes. */
export function followLag(state: SloState, seen: Observation): void {
  const lag = lagOf(seen);
  const { all, chosen } = state.rehearsal;
  const moved = Math.max(lag / all.lag, all.lag / lag) > lagRatio;
  const due = ageOf(state.rehearsal) - state.relearnedAt >= relearnSeconds || chosen < 0;
  if (moved && due) relearn(state, lag);
}

/**
 * Learns from recorded traffic before the first live second: requests offered, second by second, oldest first. Says
 * whether it could: without a service time (measured at the warm-up) requests can't be turned into load.
 */
export function preload(state: SloState, seen: Observation, arrivals: ArrayLike<number>): boolean {
  const { serviceMs } = seen.signals;
  if (serviceMs.kind !== 'fresh' || serviceMs.value <= 0) return false;
  state.serviceSeconds = serviceMs.value / 1000;
  updateTerms(state, seen);
  const perRequest = state.serviceSeconds / seen.replicasPerUnit;
  for (let second = 0; second < arrivals.length; second += 1) {
    const count = arrivals[second] as number;
    // A second that was not recorded is left out: nobody knows that it was quiet.
    if (count >= 0 && Number.isFinite(count)) feed(state.rehearsal, count * perRequest, state.terms);
  }
  return true;
}
