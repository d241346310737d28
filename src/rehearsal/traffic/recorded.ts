/**
 * The platform's own recording of a deployment as traffic: as many requests in each slot as there were, at times drawn
 * within it (a Poisson process of which the count is known is uniform). What was not recorded at its ends is left away;
 * a gap inside is what the caller says it is. Pure.
 */
import { seededRng } from '../../rng.ts';
import type { Gaps } from './read-trace.ts';
import { withoutHoles, type Traffic } from './traffic.ts';

export interface Recording {
  /** Unix milliseconds of the first slot. */
  readonly from: number;
  readonly stepMs: number;
  /** Milliseconds of each slot that were recorded. */
  readonly recordedMs: readonly number[];
  /** Requests of each slot; null where nothing was recorded. */
  readonly arrivals: readonly (number | null)[];
}

export interface Gap {
  readonly from: number;
  readonly to: number;
}

export type RecordedTraffic =
  | { readonly kind: 'nothing' }
  /** Gaps were to be refused, and there are some. */
  | { readonly kind: 'gaps'; readonly gaps: readonly Gap[] }
  | { readonly kind: 'traffic'; readonly traffic: Traffic; readonly gaps: readonly Gap[] };

/** Of more requests the times are drawn as they are needed, and their number with them. */
const timesMax = 20_000_000;

export function recordedTraffic(name: string, recording: Recording, gaps: Gaps, seed: number): RecordedTraffic {
  const { stepMs } = recording;
  const isThere = (index: number): boolean => (recording.recordedMs[index] ?? 0) > 0;
  let first = 0;
  let end = recording.recordedMs.length;
  while (first < end && !isThere(first)) first += 1;
  while (end > first && !isThere(end - 1)) end -= 1;
  if (first === end) return { kind: 'nothing' };
  const startWallMs = recording.from + first * stepMs;
  const found: { from: number; to: number }[] = [];
  const counts = new Float64Array(end - first);
  for (let index = first; index < end; index += 1) {
    const slot = index - first;
    if (isThere(index)) {
      // A slot that was seen in part had as much in the rest of it.
      counts[slot] =
        ((recording.arrivals[index] ?? 0) * stepMs) / Math.min(stepMs, recording.recordedMs[index] ?? stepMs);
      continue;
    }
    counts[slot] = gaps === 'silence' ? 0 : Number.NaN;
    const from = recording.from + index * stepMs;
    const last = found.at(-1);
    if (last?.to === from) last.to = from + stepMs;
    else found.push({ from, to: from + stepMs });
  }
  if (gaps === 'refuse' && found.length > 0) return { kind: 'gaps', gaps: found };
  const loads = withoutHoles(counts);
  const times = timesOf(loads, stepMs, seed);
  const traffic = { name, slotMs: stepMs, counts, loads, startWallMs, ...(times === undefined ? {} : { times }) };
  return { kind: 'traffic', traffic, gaps: found };
}

function timesOf(loads: Float64Array, slotMs: number, seed: number): Float64Array | undefined {
  const rng = seededRng(seed);
  const whole: number[] = [];
  let total = 0;
  for (const load of loads) {
    // What is not a whole request, as between two ends of a gap, comes with that chance.
    const count = Math.floor(load) + (rng.next() < load - Math.floor(load) ? 1 : 0);
    whole.push(count);
    total += count;
  }
  if (total > timesMax) return undefined;
  const times = new Float64Array(total);
  let next = 0;
  whole.forEach((count, slot) => {
    for (let index = 0; index < count; index += 1) times[next + index] = (slot + rng.next()) * slotMs;
    times.subarray(next, next + count).sort();
    next += count;
  });
  return times;
}
