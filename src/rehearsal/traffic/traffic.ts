/**
 * What comes, before chance: how many requests in each slot of equal length, or the very times of recorded requests.
 * A slot that nobody measured is NaN in `counts`: a hole of the telemetry and not of the load, so `loads` has for it what
 * its neighbours say. Invariant: `loads` are finite and at least 0; times ascend.
 */

export interface Traffic {
  readonly name: string;
  readonly slotMs: number;
  /** Requests in each slot as they were recorded; NaN where nobody measured. */
  readonly counts: Float64Array;
  /** Requests expected in each slot. */
  readonly loads: Float64Array;
  /** Milliseconds since the start, where each request was recorded by itself. */
  readonly times?: Float64Array;
  /** Milliseconds since 1970-01-01 UTC at the start. */
  readonly startWallMs: number;
}

/** A Monday, midnight UTC: where a trace does not say when it was. */
export const nominalStartMs = Date.UTC(2026, 0, 5);

export const durationMs = ({ slotMs, counts }: Traffic): number => slotMs * counts.length;

/** Requests a second on average. */
export function meanRate(traffic: Traffic): number {
  let total = 0;
  for (const load of traffic.loads) total += load;
  return (total * 1000) / durationMs(traffic);
}

/** Holes closed by straight lines between their neighbours; at the ends by the nearest. */
export function withoutHoles(counts: Float64Array): Float64Array {
  const loads = Float64Array.from(counts);
  let last = -1;
  for (let index = 0; index <= loads.length; index += 1) {
    if (index < loads.length && Number.isNaN(loads[index])) continue;
    const before = last < 0 ? undefined : loads[last];
    const after = index === loads.length ? undefined : loads[index];
    for (let hole = last + 1; hole < index; hole += 1) {
      const share = (hole - last) / (index - last);
      const [left, right] = [before ?? after ?? 0, after ?? before ?? 0];
      loads[hole] = left + (right - left) * share;
    }
    last = index;
  }
  return loads;
}

/**
 * The same course at another mean rate. Recorded times become Poisson arrivals in their slots: a request cannot be sent
 * one and a half times.
 */
export function scaledTo(traffic: Traffic, perSecond: number): Traffic {
  const mean = meanRate(traffic);
  if (mean === 0) throw new RangeError(`${traffic.name} has no requests, so no rate of it can be ${perSecond}/s`);
  const factor = perSecond / mean;
  const { name, slotMs, counts, loads, startWallMs } = traffic;
  const scale = (values: Float64Array): Float64Array => values.map((value) => value * factor);
  return { name, slotMs, counts: scale(counts), loads: scale(loads), startWallMs };
}

/** Requests offered in each second. */
export function perSecond(traffic: Traffic): Float64Array {
  const seconds = new Float64Array(Math.ceil(durationMs(traffic) / 1000));
  if (traffic.times !== undefined) {
    for (const time of traffic.times) {
      const second = Math.floor(time / 1000);
      seconds[second] = (seconds[second] ?? 0) + 1;
    }
    return seconds;
  }
  const { slotMs, loads } = traffic;
  for (let second = 0; second < seconds.length; second += 1)
    seconds[second] = ((loads[Math.floor((second * 1000) / slotMs)] ?? 0) * 1000) / slotMs;
  return seconds;
}
