/**
 * Times as they scatter, in little room: weights in buckets whose width grows with the time, a sixteenth of a doubling
 * each, so that a time is known to 2.2 %. The sum is exact. Plain JSON; `addTime` and `fade` write into it.
 */

export interface Times {
  /** Bucket → weight of the times in it. */
  readonly weights: Record<string, number>;
  weight: number;
  sumMs: number;
}

const parts = 16;
/** A microsecond and twelve days: what is beyond counts as these. */
const lowest = -10 * parts;
const longestMs = 2 ** 30;

export const noTimes = (): Times => ({ weights: {}, weight: 0, sumMs: 0 });

export const meanMs = ({ sumMs, weight }: Times): number => sumMs / weight;

/** A time that is no positive number counts as the shortest there is. */
export function addTime(times: Times, given: number, weight: number): void {
  const ms = Math.min(given > 0 ? given : 0, longestMs);
  const place = ms > 0 ? Math.round(Math.log2(ms) * parts) : lowest;
  const bucket = Math.max(place, lowest);
  times.weights[bucket] = (times.weights[bucket] ?? 0) + weight;
  times.weight += weight;
  times.sumMs += ms * weight;
}

/** What is less than this much of one time is forgotten when times fade. */
const leastWeight = 0.05;

/** All of it counts by this share of what it did. */
export function fade(times: Times, share: number): void {
  let weight = 0;
  for (const [bucket, before] of Object.entries(times.weights)) {
    const left = before * share;
    if (left < leastWeight) delete times.weights[bucket];
    else {
      times.weights[bucket] = left;
      weight += left;
    }
  }
  const mean = meanMs(times);
  times.weight = weight;
  times.sumMs = weight === 0 ? 0 : mean * weight;
}

/** `count` equally likely values, ascending, whose mean is that of the times; none where there are no times. */
export function likelyMs(times: Times, count: number): number[] {
  const buckets = Object.entries(times.weights)
    .map(([bucket, weight]) => ({ bucket: Number(bucket), weight }))
    .toSorted((left, right) => left.bucket - right.bucket);
  if (buckets.length === 0) return [];
  const values: number[] = [];
  let place = 0;
  let below = 0;
  for (let index = 0; index < count; index += 1) {
    const wanted = ((index + 0.5) / count) * times.weight;
    while (place < buckets.length - 1 && below + (buckets[place]?.weight ?? 0) < wanted) {
      below += buckets[place]?.weight ?? 0;
      place += 1;
    }
    const { bucket, weight } = buckets[place] ?? { bucket: 0, weight: 1 };
    const within = Math.min(Math.max((wanted - below) / weight, 0), 1);
    values.push(2 ** ((bucket + within - 0.5) / parts));
  }
  const sum = values.reduce((total, value) => total + value, 0);
  const correction = (meanMs(times) * count) / sum;
  return values.map((value) => value * correction);
}
