/**
 * Knative's time-bucketed averages: knative/serving 98e5ef9, pkg/autoscaler/aggregation/bucketing.go (Apache-2.0).
 * A ring of buckets of one granularity. Values of one bucket add up; the mean divides by the buckets since the first
 * write, at most by those of the window; nothing for a window is 0. Plain data; writing changes it. Times are seconds.
 */

export interface Buckets {
  readonly granularity: number;
  values: Float64Array;
  total: number;
  /** Bucket numbers; NaN before the first write. */
  first: number;
  last: number;
}

export function buckets(windowSeconds: number, granularity = 1): Buckets {
  const size = Math.ceil(windowSeconds / granularity);
  return { granularity, values: new Float64Array(size), total: 0, first: Number.NaN, last: Number.NaN };
}

const numberOf = (ring: Buckets, at: number): number => Math.floor(at / ring.granularity);

/** A bucket's place in the ring, also for the negative numbers before a clock's zero. */
const place = (ring: Buckets, bucket: number): number =>
  ((bucket % ring.values.length) + ring.values.length) % ring.values.length;

export function write(ring: Buckets, at: number, value: number): void {
  const bucket = numberOf(ring, at);
  const size = ring.values.length;
  if (Number.isNaN(ring.last)) {
    ring.first = bucket;
    ring.last = bucket;
  } else if (bucket > ring.last) {
    if (bucket - ring.last >= size) {
      ring.first = bucket;
      ring.values.fill(0);
      ring.total = 0;
    } else {
      for (let stale = ring.last + 1; stale <= bucket; stale += 1) {
        const at = place(ring, stale);
        ring.total -= ring.values[at] as number;
        ring.values[at] = 0;
      }
    }
    ring.last = bucket;
  } else if (bucket <= ring.last - size) {
    return;
  }
  ring.first = Math.min(ring.first, bucket);
  ring.values[place(ring, bucket)] = (ring.values[place(ring, bucket)] as number) + value;
  ring.total += value;
}

/**
 * What a look of so many milliseconds has seen. These rules were made for one value a second: of looks in between each
 * counts for its part of the second.
 */
export function writeSeen(ring: Buckets, at: number, value: number, spanMs: number): void {
  write(ring, at, value * Math.min(1, spanMs / 1000));
}

/** Rounded to `digits` decimals. */
export function roundTo(digits: number, value: number): number {
  const power = 10 ** digits;
  return Math.round(value * power) / power;
}

export function average(ring: Buckets, at: number): number {
  const now = numberOf(ring, at);
  const size = ring.values.length;
  const silent = now - ring.last;
  if (Number.isNaN(silent) || silent >= size) return 0;
  let { total } = ring;
  for (let stale = ring.last + 1; stale <= now; stale += 1) total -= ring.values[place(ring, stale)] as number;
  const counted = Math.min(ring.last - ring.first + 1, size - Math.max(0, silent));
  return roundTo(6, total / counted);
}

/** The weight of the newest bucket, so that those of a window add up to all but a ten-thousandth; at least 0.2. */
export function smoothingCoefficient(count: number): number {
  return Math.max(0.2, 1 - 0.0001 ** (1 / count));
}

/** Exponentially weighted: the newest bucket has most weight, each older one `1 - coefficient` of the next. */
export function weightedAverage(ring: Buckets, at: number): number {
  const size = ring.values.length;
  const coefficient = smoothingCoefficient(size);
  const silent = Math.max(0, numberOf(ring, at) - ring.last);
  if (Number.isNaN(silent) || silent > size) return 0;
  let weight = coefficient * (1 - coefficient) ** silent;
  let sum = 0;
  for (let age = 0; age < size - silent; age += 1) {
    sum += (ring.values[place(ring, ring.last - age)] as number) * weight;
    weight *= 1 - coefficient;
  }
  return sum;
}

/** Another window from now on: the newest buckets that fit are kept. */
export function resize(ring: Buckets, windowSeconds: number): void {
  const before = ring.values;
  const size = Math.ceil(windowSeconds / ring.granularity);
  if (size === before.length) return;
  const kept = Math.min(size, before.length);
  const values = Array.from({ length: kept }, (_, age) => before[place(ring, ring.last - age)] as number);
  ring.values = new Float64Array(size);
  ring.total = 0;
  // What the old window had dropped is not there to be counted.
  ring.first = Math.max(ring.first, ring.last - before.length + 1);
  if (Number.isNaN(ring.last)) return;
  for (const [age, value] of values.entries()) {
    ring.values[place(ring, ring.last - age)] = value;
    ring.total += value;
  }
}

/** Sums of the buckets that hold anything, by the second at which each begins. */
export function bucketSums(ring: Buckets): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (let bucket = ring.first; bucket <= ring.last; bucket += 1) {
    const value = ring.values[place(ring, bucket)] as number;
    if (value !== 0) sums.set(bucket * ring.granularity, value);
  }
  return sums;
}
