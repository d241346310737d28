/**
 * Which way is taken: the cheapest whose record keeps the target rate. A record is short at first, so each way starts
 * with what growth within a lag lets expect of it (the prior), worth a minute and a lag of load.
 *
 * Violations that no way could have avoided (`least`) are held against none: a load that no fleet at this lag can follow
 * would else buy the largest there is. What the deployment itself was late with counts against what it may still be.
 */
import { growth99 } from './cap.ts';
import { firstPeak } from './load-signals.ts';
import { wayOf, waysOf } from './ways.ts';
import type { Shadows } from './shadows.ts';

/** What one way is expected to be late with before anything is seen: all of it below the load itself, 1 % at growth99. */
export function priorOf(multiplier: number, remembersPeaks: boolean, lag: number): number {
  const effective = remembersPeaks ? 1.2 * multiplier : multiplier;
  return effective <= 1 ? 1 : Math.exp((-4.6 * Math.log(effective)) / Math.log(growth99(lag)));
}

/** The prior of every way, in their order. */
export function priorsOf(holds: readonly number[], lag: number): Float64Array {
  return Float64Array.from({ length: waysOf(holds) }, (_, index) => {
    const { signal, multiplier } = wayOf(holds, index);
    return priorOf(multiplier, signal >= firstPeak, lag);
  });
}

/** Work that the prior is worth. */
export function priorWork({ lag, work, counted }: Shadows): number {
  return counted > 0 ? ((60 + lag) * work) / counted : 0;
}

/** Share of its load that a way has been late with. */
export function violationOf(all: Shadows, priors: Float64Array, index: number): number {
  const weight = priorWork(all);
  const seen = all.work + weight;
  return seen > 0
    ? ((all.late[index] as number) + (priors[index] as number) * weight) / seen
    : (priors[index] as number);
}

/**
 * The violation rate up to which a way may be taken. `own`: what the deployment was late with beyond the unavoidable.
 * Never falls when `tolerated` grows.
 */
export function targetRate(tolerated: number, own: number, least: number): number {
  return Math.max(1.5 * tolerated - 0.5 * own, tolerated / 20, least + 0.5 * Math.min(tolerated, least));
}

export interface Selection {
  readonly index: number;
  /** The lowest violation rate of any way, and the one that was asked for. */
  readonly least: number;
  readonly target: number;
}

const incumbentFavour = 0.98;

/** `incumbent`: the way that is taken now, -1 for none. */
export function select(all: Shadows, priors: Float64Array, tolerated: number, incumbent: number): Selection {
  let least = 1;
  let safest = 0;
  for (let index = 0; index < all.late.length; index += 1) {
    const violation = violationOf(all, priors, index);
    if (violation < least || (violation === least && (all.cost[index] as number) < (all.cost[safest] as number))) {
      least = violation;
      safest = index;
    }
  }
  const seen = all.work + priorWork(all);
  const own = seen > 0 ? Math.max(0, all.ownLate / seen - least) : 0;
  const target = targetRate(tolerated, own, least);
  let cheapest = -1;
  let price = Number.POSITIVE_INFINITY;
  for (let index = 0; index < all.late.length; index += 1) {
    const cost = (all.cost[index] as number) * (index === incumbent ? incumbentFavour : 1);
    if (cost < price && violationOf(all, priors, index) <= target) {
      cheapest = index;
      price = cost;
    }
  }
  return { index: cheapest < 0 ? safest : cheapest, least, target };
}
