/**
 * Whether an error budget is used up too fast, by burn rates over two pairs of windows (Google, The Site Reliability
 * Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts"): the long one says that it matters, the short one that it
 * still goes on. At 14.4 a budget of 30 days is gone in two days, at 6 in five.
 */

/** Requests of a window, and those of them that the objective did not want. */
export interface Tally {
  readonly all: number;
  readonly bad: number;
}

export const burnWindows = [
  { longMs: 3_600_000, shortMs: 300_000, rate: 14.4 },
  { longMs: 21_600_000, shortMs: 1_800_000, rate: 6 },
] as const;

/** Fewer than this in the long window say nothing: one in three of three is not yet an incident. */
const badMin = 10;

/** How many times faster than the objective allows. `budget`: the share that may be bad, above 0. */
export const burnRate = ({ all, bad }: Tally, budget: number): number => (all <= 0 ? 0 : bad / all / budget);

export type Burn =
  | { readonly kind: 'burning'; readonly rate: number; readonly window: (typeof burnWindows)[number] }
  | { readonly kind: 'calm' };

/** `tally`: what was counted in the last so many milliseconds. Windows in the order of their urgency. */
export function judgeBurn(tally: (windowMs: number) => Tally, budget: number): Burn {
  for (const window of burnWindows) {
    const long = tally(window.longMs);
    const rate = burnRate(long, budget);
    if (long.bad < badMin || rate < window.rate) continue;
    if (burnRate(tally(window.shortMs), budget) >= window.rate) return { kind: 'burning', rate, window };
  }
  return { kind: 'calm' };
}
