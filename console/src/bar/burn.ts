/**
 * How fast error budgets go, by the same objectives as the platform's own conditions: answers that were late, of those that
 * were given, and requests that came to nothing, of those that were offered. 1: exactly used up in the period; 14.4: a
 * month's in two days. Pure.
 */
import type { DeploymentView } from '../../../src/api/schemas.ts';
import type { SeriesView } from '../../../src/api/series-schemas.ts';
import { burnRate } from '../../../src/core/notifications/burn.ts';

export interface Burn {
  /** Times as fast as the budget allows. */
  readonly rate: number;
  readonly deployment: string;
  /** What is promised. */
  readonly what: string;
  readonly bad: number;
  readonly all: number;
  /** Share of `all` that may be bad. */
  readonly budget: number;
}

export interface Promising extends Pick<DeploymentView, 'name' | 'sloP99Ms' | 'sloAvailability'> {
  readonly series: SeriesView;
}

/** A 99th percentile may be missed by one in a hundred. */
const lateBudget = 0.01;

export const promises = ({ sloP99Ms, sloAvailability }: Omit<Promising, 'name' | 'series'>): boolean =>
  sloP99Ms !== null || sloAvailability < 1;

const total = (column: readonly (number | null)[] | undefined): number =>
  (column ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** The one that burns fastest. Undefined: nobody asked, so that nothing was missed and nothing was kept. */
export function worstBurn(all: readonly Promising[]): Burn | undefined {
  const burns = all.flatMap(({ name: deployment, sloP99Ms, sloAvailability, series: { columns } }): Burn[] => {
    const of = (what: string, bad: number, among: number, budget: number): Burn[] => {
      if (among === 0 || budget <= 0) return [];
      // An answer may be counted a second after its request.
      const rate = burnRate({ all: among, bad: Math.min(bad, among) }, budget);
      return [{ rate, deployment, what, bad, all: among, budget }];
    };
    const late = total(columns['late']);
    const lost = total(columns['failed']) + total(columns['shed']);
    return [
      ...(sloP99Ms === null ? [] : of(`answers within ${sloP99Ms} ms`, late, total(columns['completed']), lateBudget)),
      ...of('answers at all', lost, total(columns['arrivals']), 1 - sloAvailability),
    ];
  });
  return burns.sort((a, b) => b.rate - a.rate)[0];
}
