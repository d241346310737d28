/**
 * The load of the last hour, second by second, as a ring of running sums: the mean of any window is one subtraction.
 * Load is demand: arrivals × service time ÷ time, in units of the tier that would be busy all the time. Sums are kept
 * from the start of the hour's ring on, so they grow slowly: a year at 10,000 units is 3·10¹¹, exact to 10⁻⁴.
 */

/** Seconds that are kept: an hour, and the longest window that the trend of a slow tier looks back. */
const kept = 4096;
export const hourSeconds = 3600;

export interface LoadHistory {
  /** At index s mod `kept`: all load up to second s. */
  readonly sums: Float64Array;
  /** Seconds seen since the start. */
  seconds: number;
}

export function loadHistory(): LoadHistory {
  return { sums: new Float64Array(kept), seconds: 0 };
}

/** One more second of this load. */
export function append(history: LoadHistory, load: number): void {
  const { sums, seconds } = history;
  sums[(seconds + 1) % kept] = (sums[seconds % kept] as number) + load;
  history.seconds = seconds + 1;
}

/** Unit-seconds that came from `back` seconds ago until `until` seconds ago; what was not seen counts as none. */
export function sumOver(history: LoadHistory, back: number, until = 0): number {
  const { sums, seconds } = history;
  const oldest = Math.max(0, seconds - kept + 1);
  const from = Math.max(oldest, seconds - back);
  const to = Math.max(from, seconds - until);
  return (sums[to % kept] as number) - (sums[from % kept] as number);
}

/** Mean over the last `window` seconds, or over as many as were seen. */
export function meanOver(history: LoadHistory, window: number): number {
  const seen = Math.min(window, history.seconds);
  return seen === 0 ? 0 : sumOver(history, seen) / seen;
}

/** The load of the second that ended `back - 1` seconds ago. */
export function loadAt(history: LoadHistory, back: number): number {
  return Math.max(0, sumOver(history, back, back - 1));
}
