/** Which error budgets burn, by what was recorded of each deployment: answers that were late, and requests without one. */
import type { Clock } from '../../clock.ts';
import { judgeBurn, type Tally } from '../../core/notifications/burn.ts';
import type { Series } from '../../series/open-series.ts';
import type { Stretch } from '../../series/stretch.ts';
import type { Deployments } from '../deployments.ts';
import type { Condition } from './conditions.ts';

export interface BurnParts {
  readonly series: Pick<Series, 'read'>;
  readonly deployments: Pick<Deployments, 'all'>;
  readonly clock: Pick<Clock, 'wall'>;
}

const minuteMs = 60_000;
const longestMs = 21_600_000;
/** What of the answers may be late by an objective at the 99th percentile. */
const lateBudget = 0.01;
type Counted = 'arrivals' | 'completed' | 'failed' | 'shed' | 'late';
const columns: readonly Counted[] = ['arrivals', 'completed', 'failed', 'shed', 'late'];

export function watchBurning({ series, deployments, clock }: BurnParts) {
  return async (): Promise<readonly Condition[]> => {
    const found: Condition[] = [];
    const to = Math.floor(clock.wall() / minuteMs) * minuteMs;
    const from = to - longestMs;
    for (const { name, record } of deployments.all()) {
      const { p99Ms, availability } = record.specification.slo;
      const recent = await series.read({ deployment: name, from, to, stepMs: minuteMs, columns: [...columns] });
      if (p99Ms !== undefined) {
        const tally = tallyOf(recent, to, ['completed'], ['late']);
        found.push(...burningOf(name, `answers within ${p99Ms} ms`, tally, lateBudget));
      }
      // Whoever allows no failure at all has no budget that could burn.
      if (availability < 1) {
        const tally = tallyOf(recent, to, ['arrivals'], ['failed', 'shed']);
        found.push(...burningOf(name, 'answers at all', tally, 1 - availability));
      }
    }
    return found;
  };
}

function burningOf(
  deployment: string,
  what: string,
  tally: (windowMs: number) => Tally,
  budget: number,
): readonly Condition[] {
  const burn = judgeBurn(tally, budget);
  if (burn.kind === 'calm') return [];
  const { longMs, shortMs } = burn.window;
  const fast = `${burn.rate.toFixed(1)} × as fast as the objective allows`;
  const reason = `over ${longMs / minuteMs} minutes ${fast}, and too fast over the last ${shortMs / minuteMs} too`;
  return [{ of: 'slo-burn', subject: `${deployment}, ${what}`, deployment, reason }];
}

function tallyOf(
  { at, slotMs, recordedMs, values }: Stretch,
  to: number,
  all: readonly Counted[],
  bad: readonly Counted[],
) {
  const sumOf = (of: readonly Counted[], index: number): number =>
    of.reduce((sum, column) => sum + (values.get(column)?.[index] ?? Number.NaN), 0);
  return (windowMs: number): Tally => {
    const tally = { all: 0, bad: 0 };
    for (let index = Math.max(0, Math.round((to - windowMs - at) / slotMs)); index < recordedMs.length; index += 1) {
      const [everything, wrong] = [sumOf(all, index), sumOf(bad, index)];
      // What nobody recorded is neither good nor bad.
      if (Number.isNaN(everything) || Number.isNaN(wrong)) continue;
      tally.all += everything;
      tally.bad += wrong;
    }
    return tally;
  };
}
