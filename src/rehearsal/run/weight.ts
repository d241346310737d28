/** How much a run would compute, before it does: so many requests, as many times as policies go through them. Pure. */
import type { Entrant } from '../plan/entrants.ts';
import { readShape, shapeRateDefault } from '../plan/shape.ts';
import { durationMs } from '../traffic/traffic.ts';
import type { RunTrace } from './run.ts';

/** Runs that finding a fixed fleet takes: doubling, then halving. */
const hindsightRuns = 12;

/** Requests times runs, expected. */
export function weightOf(trace: RunTrace, mean: number | undefined, entrants: readonly Entrant[]): number {
  const runs = entrants.reduce((sum, { isInHindsight }) => sum + 1 + (isInHindsight ? hindsightRuns : 0), 0);
  return requestsOf(trace, mean) * runs;
}

function requestsOf(trace: RunTrace, mean: number | undefined): number {
  if (trace.kind === 'shape')
    return ((mean ?? shapeRateDefault) * durationMs(readShape(trace.trace, trace.seconds))) / 1000;
  const { pastSlots, stepMs } = trace.stretch;
  const { arrivals, recordedMs } = trace.found;
  let [count, seenMs, first, last] = [0, 0, -1, -1];
  for (let slot = pastSlots; slot < recordedMs.length; slot += 1) {
    const seen = Math.min(stepMs, recordedMs[slot] ?? 0);
    if (seen <= 0) continue;
    if (first === -1) first = slot;
    last = slot;
    count += arrivals[slot] ?? 0;
    seenMs += seen;
  }
  if (first === -1) return 0;
  // Where nobody looked the load went on, if it did, about as where somebody did; what is missing at the ends is left away.
  const spanMs = (last + 1 - first) * stepMs;
  return mean === undefined ? (count / seenMs) * spanMs : (mean * spanMs) / 1000;
}
