/**
 * The shadow fleets: every way to run the deployment, run on the arrivals that really came. Offered load does not depend
 * on capacity, so what a fleet would have been late with can be computed without having it: a fluid queue that grows by
 * what arrives and shrinks by what the shadow's fleet finishes.
 *
 * Of a shadow only its queue and its record are kept. What it orders is a function of a held signal, the same for the
 * sixteen multipliers of a pair, and what it has ready is what it has wanted for a whole lag: the least of its orders,
 * which is the order at the least of the held signal. So one window a pair slides and not one a shadow.
 * Old evidence counts less, with a half-life of 48 h. Instead of shrinking every record at every step, what is added
 * grows, and all are brought back once in 40 days.
 */
import { surplusOf } from './settle.ts';
import { unitsOf, type Curve } from './capacity-curve.ts';
import { record, slidingMax, type SlidingMax } from '../sliding-max.ts';
import { multipliers, tickOf, waysOf } from './ways.ts';

export interface Shadows {
  /** Seconds: the lag that they run at, their holds, and the step. */
  readonly lag: number;
  readonly holds: readonly number[];
  readonly tick: number;
  /** By pair of signal and hold: its highest value over the hold, and the least of that over the lag (turned round). */
  readonly highest: readonly SlidingMax[];
  readonly lowest: readonly SlidingMax[];
  readonly held: Float64Array;
  readonly reached: Float64Array;
  /** By shadow: unit-seconds of work that wait, the units it holds and has ready, and how long it has held too many. */
  readonly queues: Float64Array;
  readonly targets: Float64Array;
  readonly ready: Float64Array;
  readonly surplus: Float64Array;
  /** By shadow: work that was late, and real unit-seconds with the price of starts. */
  readonly late: Float64Array;
  readonly cost: Float64Array;
  ticks: number;
  /** Work that came and time that passed, and how much a second of now adds to each record. */
  work: number;
  time: number;
  /** Time for which lateness counts. */
  counted: number;
  weight: number;
  /** Work that the deployment itself was late with. */
  ownLate: number;
}

export const halfLifeSeconds = 48 * 3600;

export function shadows(lag: number, holds: readonly number[]): Shadows {
  const tick = tickOf(lag);
  const count = waysOf(holds);
  const pairs = count / multipliers.length;
  const window = (seconds: number): number => Math.max(1, Math.round(seconds / tick));
  const byPair = (seconds: (hold: number) => number): SlidingMax[] =>
    Array.from({ length: pairs }, (_, pair) => slidingMax(seconds(holds[pair % holds.length] as number)));
  return {
    lag,
    holds,
    tick,
    highest: byPair((hold) => window(hold)),
    // An order of the last step has not come before it is a whole lag old.
    lowest: byPair(() => window(lag) + 1),
    held: new Float64Array(pairs),
    reached: new Float64Array(pairs),
    queues: new Float64Array(count),
    targets: new Float64Array(count),
    ready: new Float64Array(count),
    surplus: new Float64Array(count),
    late: new Float64Array(count),
    cost: new Float64Array(count),
    ticks: 0,
    work: 0,
    time: 0,
    counted: 0,
    weight: 1,
    ownLate: 0,
  };
}

/** What all shadows of one step have in common. */
export interface World {
  /** Seconds that a request may wait: until it is late, and until it is given up. */
  readonly patience: number;
  readonly endurance: number;
  /** Units that no shadow goes below or above, and units added to a wish before it is rounded up. */
  readonly least: number;
  readonly cap: number;
  readonly slack: number;
  /** Unit-seconds that a start costs beside the unit itself. */
  readonly startPrice: number;
  /** Seconds of the whole fleet that a surplus is held for. */
  readonly turning: number;
  /** Real units for effective ones. */
  readonly curve: Curve;
}

/** Units wanted at a held signal of this value. */
export function wishOf(value: number, multiplier: number, { least, cap, slack }: World): number {
  const wish = Math.ceil(Math.min(cap, multiplier * value + slack) - 1e-9);
  return wish < least ? least : wish;
}

/** Share of a step's arrivals that find a queue above `limit`, which it crosses once at most on a straight line. */
function shareAbove(before: number, after: number, limit: number): number {
  if (before <= limit) return after <= limit ? 0 : (after - limit) / (after - before);
  return after > limit ? 1 : (before - limit) / (before - after);
}

/**
 * How much a second of now adds to what is known of lateness: nothing for two lags, in which nobody could have done
 * anything about the load. A shadow stands where its first look puts it, and the deployment's own first order serves a lag after it was made
 * and has to work off what has waited by then.
 */
export function evidenceOf({ ticks, tick, lag, weight }: Shadows): number {
  return ticks * tick < 2 * lag ? 0 : weight;
}

/** One step: what came (`work`, unit-seconds) meets what was ready, then the signals move on. No allocation. */
export function advance(all: Shadows, work: number, signals: Float64Array, world: World): void {
  const { tick, queues, targets, ready, surplus, late, cost, held, reached, holds } = all;
  const { weight } = all;
  const evidence = evidenceOf(all);
  const { patience, endurance, startPrice, turning, curve } = world;
  const most = multipliers.length;
  const isFirst = all.ticks === 0;
  let index = 0;
  for (let pair = 0; pair < held.length; pair += 1) {
    const signal = signals[Math.floor(pair / holds.length)] as number;
    const value = record(all.highest[pair] as SlidingMax, all.ticks, signal);
    // What serves during this step was wanted before it; in the first one nothing had been.
    const then = isFirst ? value : (reached[pair] as number);
    held[pair] = value;
    reached[pair] = -record(all.lowest[pair] as SlidingMax, all.ticks, -value);
    for (let step = 0; step < most; step += 1) {
      const multiplier = multipliers[step] as number;
      const standing = targets[index] as number;
      let serving = ready[index] as number;
      if (serving !== standing || isFirst) {
        // What was ordered a lag ago has come; what is there stays until it is given back.
        const come = wishOf(then, multiplier, world);
        if (come > serving) serving = come;
        if (serving > standing && !isFirst) serving = standing;
        ready[index] = serving;
      }
      const before = queues[index] as number;
      const after = before + work - serving * tick;
      if (before > 0 || after > 0) {
        const share = shareAbove(before, after, patience * serving);
        if (share > 0) late[index] = (late[index] as number) + evidence * share * work;
        const full = endurance * serving;
        queues[index] = after < 0 ? 0 : after > full ? full : after;
      }
      const wish = wishOf(value, multiplier, world);
      let target = wish;
      let price = 0;
      if (wish < standing) {
        const waited = (surplus[index] as number) + surplusOf(standing, wish, tick);
        target = waited < turning ? standing : wish;
        surplus[index] = waited < turning ? waited : 0;
      } else {
        surplus[index] = 0;
        if (wish > standing) price = startPrice * (unitsOf(curve, wish) - unitsOf(curve, standing));
      }
      targets[index] = target;
      cost[index] = (cost[index] as number) + weight * (unitsOf(curve, target) * tick + price);
      index += 1;
    }
  }
  all.work += evidence * work;
  all.counted += evidence * tick;
  all.time += weight * tick;
  all.ticks += 1;
  all.weight *= 2 ** (tick / halfLifeSeconds);
  if (all.weight > 2 ** 20) lighten(all);
}

function lighten(all: Shadows): void {
  for (let index = 0; index < all.late.length; index += 1) {
    all.late[index] = (all.late[index] as number) / all.weight;
    all.cost[index] = (all.cost[index] as number) / all.weight;
  }
  all.work /= all.weight;
  all.time /= all.weight;
  all.counted /= all.weight;
  all.ownLate /= all.weight;
  all.weight = 1;
}
