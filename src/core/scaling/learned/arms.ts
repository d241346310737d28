/**
 * The bandit: for each context a headroom quantile. Every arm runs as a shadow fleet, so what each would have earned is
 * known of all of them and nothing has to be tried out (full information; a bandit that sees one arm would need regret).
 * Reward is less cost and less lateness at a price; the price rises until what the arms taken were late with, by their
 * records, is within what is tolerated.
 */
import { contexts } from './contexts.ts';

/** Headroom quantiles, the least cautious first. */
export const arms = [0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999] as const;

/** By context, then by arm: decayed sums of unit-seconds with starts, of late work, and by context of work and periods. */
export interface ArmRecords {
  readonly cost: Float64Array;
  readonly late: Float64Array;
  readonly work: Float64Array;
  readonly periods: Float64Array;
}

/** Periods of a context before another arm than the most cautious is taken in it. */
const evidence = 10;
const halfLifePeriods = 1440;
const keep = 2 ** (-1 / halfLifePeriods);

export function noRecords(): ArmRecords {
  const all = contexts * arms.length;
  return {
    cost: new Float64Array(all),
    late: new Float64Array(all),
    work: new Float64Array(contexts),
    periods: new Float64Array(contexts),
  };
}

/** What late work costs in unit-seconds: as much lateness as is tolerated costs a tenth of the load. */
export const latePrice = (tolerated: number): number => 0.1 / tolerated;

export function notePeriod(records: ArmRecords, context: number, work: number): void {
  const { cost, late, work: seen, periods } = records;
  for (let at = context * arms.length; at < (context + 1) * arms.length; at += 1) {
    cost[at] = (cost[at] as number) * keep;
    late[at] = (late[at] as number) * keep;
  }
  seen[context] = (seen[context] as number) * keep + work;
  periods[context] = (periods[context] as number) * keep + 1;
}

export function noteArm(records: ArmRecords, context: number, arm: number, cost: number, late: number): void {
  const at = context * arms.length + arm;
  records.cost[at] = (records.cost[at] as number) + cost;
  records.late[at] = (records.late[at] as number) + late;
}

/** The best arm of a context at this price of late work; the most cautious while little is known. */
function bestOf({ cost, late, periods }: ArmRecords, context: number, price: number): number {
  let best = arms.length - 1;
  if ((periods[context] as number) < evidence) return best;
  let least = Number.POSITIVE_INFINITY;
  for (let arm = arms.length - 1; arm >= 0; arm -= 1) {
    const at = context * arms.length + arm;
    const loss = (cost[at] as number) + price * (late[at] as number);
    if (loss < least) [best, least] = [arm, loss];
  }
  return best;
}

const doublings = 12;

/** The arm to take in each context. */
export function chooseArms(records: ArmRecords, tolerated: number): number[] {
  const total = records.work.reduce((sum, work) => sum + work, 0);
  let price = latePrice(tolerated);
  let chosen: number[] = [];
  for (let round = 0; round <= doublings; round += 1, price *= 2) {
    const at = price;
    chosen = Array.from({ length: contexts }, (_, context) => bestOf(records, context, at));
    const late = chosen.reduce((sum, arm, context) => sum + (records.late[context * arms.length + arm] as number), 0);
    if (late <= tolerated * total) break;
  }
  return chosen;
}
