/**
 * The times of single requests, in blocks: as they were recorded, or Poisson within their slot. Within a slot the gaps are
 * exponential, and since they remember nothing, the next slot begins afresh at its edge.
 * Invariant: ascending, from 0 to before the end; the same seed gives the same times.
 */
import { seededRng } from '../../rng.ts';
import type { Traffic } from './traffic.ts';

export interface ArrivalSource {
  /** Writes the next times (milliseconds) and tells how many; fewer than fit only at the end, then 0. */
  take(into: Float64Array): number;
}

export function arrivalsOf(traffic: Traffic, seed: number): ArrivalSource {
  return traffic.times === undefined ? poisson(traffic, seed) : recorded(traffic.times);
}

function recorded(times: Float64Array): ArrivalSource {
  let taken = 0;
  return {
    take(into) {
      const block = times.subarray(taken, taken + into.length);
      into.set(block);
      taken += block.length;
      return block.length;
    },
  };
}

function poisson({ loads, slotMs }: Traffic, seed: number): ArrivalSource {
  const rng = seededRng(seed);
  const at = new Float64Array(1);
  let slot = 0;
  return {
    take(into) {
      let time = at[0] as number;
      let count = 0;
      while (count < into.length && slot < loads.length) {
        const end = (slot + 1) * slotMs;
        // Never above 0 requests: the gap is infinite, and the slot is over.
        const meanGap = slotMs / (loads[slot] as number);
        while (count < into.length) {
          time -= Math.log(1 - rng.next()) * meanGap;
          if (!(time < end)) break;
          into[count] = time;
          count += 1;
        }
        if (time < end) break;
        time = end;
        slot += 1;
      }
      at[0] = time;
      return count;
    },
  };
}
