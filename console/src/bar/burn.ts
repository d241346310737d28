/**
 * How fast the error budget goes: the share of requests that were late, failed or shed, over the share that the
 * objective allows. 1: exactly used up in the period; 14.4: a month's in two days (Google's SRE workbook, chapter 5).
 * Pure.
 */
import type { SeriesView } from '../../../src/api/series-schemas.ts';

export interface Burn {
  /** Times as fast as the budget allows. */
  readonly rate: number;
  /** Late, failed and shed, of those that were offered. */
  readonly bad: number;
  readonly offered: number;
}

/** A 99th percentile may be missed by one in a hundred. */
export const budget = 0.01;

const total = (column: readonly (number | null)[] | undefined): number =>
  (column ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** Undefined: nobody asked, so nothing was missed and nothing was kept. */
export function burnOf(series: readonly SeriesView[]): Burn | undefined {
  let bad = 0;
  let offered = 0;
  for (const { columns } of series) {
    offered += total(columns['arrivals']);
    bad += total(columns['late']) + total(columns['failed']) + total(columns['shed']);
  }
  // One request may be counted in two seconds: offered in the first, late in the second.
  return offered === 0 ? undefined : { rate: Math.min(1, bad / offered) / budget, bad, offered };
}
