/**
 * What n units really hold, from what was measured. Load is counted in units of service time, and n replicas hold n of
 * it only where the replica is the bottleneck; where a call is cheaper than the hop to a replica, more of them hold
 * less. So wishes are made in effective units, and this says how many real ones give them: never more than the count
 * that was measured, or must be expected, to hold the most.
 */

export interface Curve {
  /** At index e: real units that hold e effective ones. Empty where nothing was measured: then e units do. */
  readonly unitsFor: Float64Array;
  /** Effective units that the best count holds; infinite where nothing was measured. */
  readonly most: number;
  /** The count that holds it. */
  readonly best: number;
}

export const noCurve: Curve = {
  unitsFor: new Float64Array(0),
  most: Number.POSITIVE_INFINITY,
  best: Number.POSITIVE_INFINITY,
};

/** Counts beyond this are not looked at; the curve is flat from there on. */
const unitsMax = 4096;

function isMeasured(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0;
}

/**
 * Requests per second that n replicas hold: what was measured, on a straight line between two measured counts, in
 * proportion below the first. Beyond the last the line goes on, no steeper than in proportion, and never down.
 */
export function heldBy(capacity: ArrayLike<number>): ((replicas: number) => number) | undefined {
  const counts: number[] = [];
  for (let count = 1; count < capacity.length; count += 1) if (isMeasured(capacity[count])) counts.push(count);
  const first = counts[0];
  const last = counts.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const at = (count: number): number => capacity[count] as number;
  const previous = counts.at(-2);
  const proportional = at(last) / last;
  const slope =
    previous === undefined
      ? proportional
      : Math.min(proportional, Math.max(0, (at(last) - at(previous)) / (last - previous)));
  return (replicas) => {
    if (replicas <= first) return (at(first) * replicas) / first;
    if (replicas >= last) return at(last) + slope * (replicas - last);
    const upper = firstFrom(counts, replicas);
    const [low, high] = [counts[upper - 1] as number, counts[upper] as number];
    return at(low) + ((at(high) - at(low)) * (replicas - low)) / (high - low);
  };
}

/** Index of the first of ascending numbers that is no less, by halves: a curve of thousands of counts asks it for each. */
function firstFrom(ascending: readonly number[], least: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** `unitLoad`: effective units that one request per second is; `bounds`: of the units that there may be. */
export function curveOf(capacity: ArrayLike<number>, replicasPerUnit: number, unitLoad: number, bounds: Bounds): Curve {
  const held = heldBy(capacity);
  if (held === undefined || !(unitLoad > 0)) return noCurve;
  const limit = Math.min(unitsMax, Math.max(1, Math.floor(bounds.max)));
  const unitsFor: number[] = [0];
  let most = 0;
  let best = 1;
  for (let units = 1; units <= limit; units += 1) {
    const effective = held(units * replicasPerUnit) * unitLoad;
    if (effective <= most + 1e-9) continue;
    most = effective;
    best = units;
    // Ever more per unit means ever longer tables: beyond this many a replica, finer wishes would change nothing.
    while (unitsFor.length <= most + 1e-9 && unitsFor.length < 16 * unitsMax) unitsFor.push(units);
  }
  // A wish for what lies above the last whole effective unit gets the best count.
  unitsFor.push(best);
  // What has to be there anyhow is what a smaller wish gets.
  return { unitsFor: Float64Array.from(unitsFor, (units) => Math.max(units, bounds.min)), most, best };
}

/** Real units for a wish of effective ones; for more than any count holds, the count that holds the most. */
export function unitsOf({ unitsFor, best }: Curve, wish: number): number {
  if (unitsFor.length === 0) return wish;
  return wish < unitsFor.length ? (unitsFor[wish] as number) : best;
}

/** Effective units that so many real ones hold; as many where nothing was measured. */
export function effectiveOf({ unitsFor }: Curve, units: number): number {
  if (unitsFor.length === 0) return units;
  let [low, high] = [0, unitsFor.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((unitsFor[middle] as number) <= units) low = middle;
    else high = middle - 1;
  }
  return low;
}
