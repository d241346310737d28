/**
 * What somebody who knew the future would need: a bound from below, not a fleet that could be had. The load is cut into
 * thin levels; each level is the stretches of time in which it is needed, with gaps shorter than the lag bridged because
 * a new start would cost more; then the stretches that do the least work for their length are left out, up to the
 * tolerated share of the work. Whole replicas, chance and queues in equilibrium are ignored, so it is loose.
 */

export interface BoundTerms {
  /** Requests in each second. */
  readonly perSecond: Float64Array;
  /** Seconds of one replica that a request takes, in full calls. */
  readonly serviceSeconds: number;
  /** A request that takes longer is late, in seconds. */
  readonly latencySeconds: number;
  readonly lagSeconds: number;
  readonly tolerated: number;
  readonly min: number;
}

const levelsMax = 64;

/**
 * Replicas in use in each second when everybody is served as evenly as the objective allows: the work of a second is
 * spread over it and the slack after it. No work is lost by spreading.
 */
export function requirement({ perSecond, serviceSeconds, latencySeconds }: BoundTerms): Float64Array {
  const slack = Math.max(0, latencySeconds - serviceSeconds);
  const whole = Math.floor(slack);
  const rest = slack - whole;
  const needed = new Float64Array(perSecond.length);
  const scale = serviceSeconds / (1 + slack);
  let sum = 0;
  for (let second = 0; second < perSecond.length; second += 1) {
    // Of the seconds before, as many as the slack has, and of the one before them a part.
    sum += (perSecond[second] as number) - (perSecond[second - whole - 1] ?? 0);
    needed[second] = Math.max(0, sum + rest * (perSecond[second - whole - 1] ?? 0)) * scale;
  }
  return needed;
}

export function clairvoyantReplicaSeconds(terms: BoundTerms): number {
  const { lagSeconds, tolerated, min } = terms;
  const needed = requirement(terms);
  let peak = 0;
  for (const each of needed) if (each > peak) peak = each;
  const height = Math.max(peak / levelsMax, 1 / 64);
  let cost = min * needed.length;
  const stretches: { readonly cost: number; readonly work: number }[] = [];
  let total = 0;
  for (const each of needed) total += each;
  for (let floor = 0; floor < peak; floor += height) {
    // What the minimum holds is there in any case.
    if (floor + height <= min) continue;
    let [work, begin, last] = [0, -1, -1];
    const close = (): void => {
      if (begin === -1) return;
      // Nobody has to order before the beginning: what is needed at once was there.
      const seconds = last + 1 - begin + Math.min(begin, lagSeconds);
      cost += seconds * height;
      stretches.push({ cost: seconds * height, work });
    };
    for (let second = 0; second < needed.length; second += 1) {
      const above = (needed[second] as number) - floor;
      if (above <= 0) continue;
      if (begin === -1 || second - last - 1 > lagSeconds) {
        close();
        begin = second;
        work = 0;
      }
      work += above < height ? above : height;
      last = second;
    }
    close();
  }
  let left = tolerated * total;
  stretches.sort((one, other) => one.work / one.cost - other.work / other.cost);
  for (const stretch of stretches) {
    if (stretch.work > left) break;
    left -= stretch.work;
    cost -= stretch.cost;
  }
  return cost;
}
