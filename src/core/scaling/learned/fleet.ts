/**
 * One shadow fleet: what somebody would have held, and been late with, on the load that really came. The same fluid as
 * the hundreds of slo/shadows.ts, for a handful whose orders are not multiples of one signal.
 */
import { surplusOf } from '../slo/settle.ts';
import { unitsOf } from '../slo/capacity-curve.ts';
import { record, slidingMax, type SlidingMax } from '../sliding-max.ts';
import type { World } from '../slo/shadows.ts';

export interface ShadowFleet {
  /** The highest wish of the hold, and (turned round) the least target of the lag: what has been wanted for all of it. */
  readonly highest: SlidingMax;
  readonly lowest: SlidingMax;
  /** Effective units: held, and ready of them. */
  target: number;
  ready: number;
  surplus: number;
  /** Unit-seconds of work that wait. */
  queue: number;
  /** Of the period that is being filled: work that was late, and unit-seconds with the price of starts. */
  late: number;
  cost: number;
}

/** `hold`, `lag` in steps. */
export function shadowFleet(hold: number, lag: number): ShadowFleet {
  return {
    highest: slidingMax(hold),
    lowest: slidingMax(lag + 1),
    target: -1,
    ready: 0,
    surplus: 0,
    queue: 0,
    late: 0,
    cost: 0,
  };
}

/** Share of a step's arrivals that find a queue above `limit`, which it crosses once at most on a straight line. */
function shareAbove(before: number, after: number, limit: number): number {
  if (before <= limit) return after <= limit ? 0 : (after - limit) / (after - before);
  return after > limit ? 1 : (before - limit) / (before - after);
}

/** What came (`work`, unit-seconds in `seconds`) meets what is ready. */
export function serve(fleet: ShadowFleet, work: number, seconds: number, { patience, endurance }: World): void {
  const { queue: before, ready } = fleet;
  const after = before + work - ready * seconds;
  if (before <= 0 && after <= 0) return;
  fleet.late += shareAbove(before, after, patience * ready) * work;
  fleet.queue = Math.min(Math.max(0, after), endurance * ready);
}

/** Orders so many effective units at once, as a rule that has decided about holding already. */
export function order(fleet: ShadowFleet, step: number, units: number, seconds: number, world: World): void {
  const isFirst = fleet.target < 0;
  const standing = isFirst ? units : fleet.target;
  const { curve, startPrice } = world;
  fleet.target = units;
  const wantedForLag = -record(fleet.lowest, step, -units);
  if (isFirst || wantedForLag > fleet.ready) fleet.ready = wantedForLag;
  if (fleet.ready > units) fleet.ready = units;
  const started = units > standing ? startPrice * (unitsOf(curve, units) - unitsOf(curve, standing)) : 0;
  fleet.cost += unitsOf(curve, units) * seconds + started;
}

/** Orders what is wished, holds the highest for a while, and gives back once a surplus has cost as much as turning. */
export function wish(fleet: ShadowFleet, step: number, units: number, seconds: number, world: World): void {
  const held = record(fleet.highest, step, units);
  if (held >= fleet.target) {
    fleet.surplus = 0;
    order(fleet, step, held, seconds, world);
    return;
  }
  const waited = fleet.surplus + surplusOf(fleet.target, held, seconds);
  const waits = waited < world.turning;
  fleet.surplus = waits ? waited : 0;
  order(fleet, step, waits ? fleet.target : held, seconds, world);
}
