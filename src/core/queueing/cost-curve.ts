/**
 * What a call of so many rows costs, learned from warm-up and from live batches, and the batch size at which more rows
 * stop paying. It knows nothing of queues. Times in milliseconds.
 *
 * Points are kept for rows in (1], (1, 2], (2, 4] … (512, 1024]: each a running mean of rows and of time. Between two
 * points the time is a straight line; beyond the last it goes on in proportion.
 * When a size is measured anew the others follow it half-way: a machine that has slowed down has slowed for all sizes,
 * and sizes compared across two speeds would move the cap for no reason.
 */

interface Point {
  rows: number;
  ms: number;
  /** 0 is a size that is not known. */
  samples: number;
}

export interface CostCurve {
  readonly points: Point[];
  /** Time of a call beyond the runtime's own, by payload: transport and, for files, decoding. */
  readonly overhead: { tensors: number; files: number };
  /** Nine of ten calls take at most this many times what was expected of them; 1 until calls have shown otherwise. */
  tail: number;
  /** When the last measurement came in; -Infinity before the first. */
  learnedAt: number;
  sinceProbe: number;
}

/** Rows/s must grow by this share a doubling for the doubling to be worth the wait. */
export const gainMin = 0.05;
/** A size counts as known after this many live calls; a warm-up point is a median and counts at once. */
const samplesMin = 3;
/** Weight of a new measurement once there are enough. */
const newest = 0.1;
/** Most that sizes not measured now are moved by one measurement. */
const followedMax = 2;
/** After this many calls the size above the cap is forgotten, and so tried again: what did not pay may pay now. */
const probeEvery = 512;
/** Largest cap that is learned; a fixed `sizeMax` may be larger. */
export const learnedCapMax = 64;
const sizes = 11;
/** The share of calls that the tail covers, and how far one call moves it. */
const tailShare = 0.9;
const tailStep = 0.1;
/** A machine that stutters worse than this is not planned around: it would refuse work that mostly succeeds. */
const tailMax = 2;

export function createCostCurve(): CostCurve {
  return {
    points: Array.from({ length: sizes }, () => ({ rows: 0, ms: 0, samples: 0 })),
    overhead: { tensors: 0, files: 0 },
    tail: 1,
    learnedAt: -Infinity,
    sinceProbe: 0,
  };
}

const sizeOf = (rows: number): number => Math.min(rows <= 1 ? 0 : 32 - Math.clz32(rows - 1), sizes - 1);

/** Takes in a point that the runner measured before it was ready. */
export function learnWarmUp(curve: CostCurve, rows: number, ms: number, at: number): void {
  const point = curve.points[sizeOf(rows)];
  if (point === undefined || !(ms >= 0)) return;
  point.rows = rows;
  point.ms = ms;
  point.samples = samplesMin;
  curve.learnedAt = Math.max(curve.learnedAt, at);
}

/** Takes in a live call. Calls without rows, or with a time that is no number, teach nothing. */
export function learnCost(curve: CostCurve, rows: number, ms: number, at: number): void {
  if (rows < 1 || !(ms >= 0)) return;
  const measured = curve.points[sizeOf(rows)] as Point;
  const known = measured.samples > 0;
  const weight = Math.max(1 / (measured.samples + 1), newest);
  const before = measured.ms / Math.max(measured.rows, 1);
  measured.ms += weight * (ms - measured.ms);
  measured.rows += weight * (rows - measured.rows);
  measured.samples += 1;
  curve.learnedAt = at;
  if (known && before > 0 && measured.ms > 0) {
    // Half-way is the square root: what goes up and comes down again leaves the others where they were.
    const root = Math.sqrt(measured.ms / measured.rows / before);
    const change = Math.min(Math.max(root, 1 / followedMax), followedMax);
    for (const point of curve.points) if (point !== measured) point.ms *= change;
  }
  curve.sinceProbe += 1;
  if (curve.sinceProbe >= probeEvery) {
    curve.sinceProbe = 0;
    const above = curve.points[sizeOf(batchCap(curve, learnedCapMax)) + 1];
    if (above !== undefined) above.samples = 0;
  }
}

/**
 * Takes in how many times its expectation a call took. A step up for a call beyond the tail and a ninth of it down for
 * one within settles where nine of ten are within (stochastic approximation of a quantile).
 */
export function learnTail(curve: CostCurve, ratio: number): void {
  if (!(ratio >= 0)) return;
  const moved = curve.tail + tailStep * (ratio > curve.tail ? tailShare : tailShare - 1);
  curve.tail = Math.min(Math.max(moved, 1), tailMax);
}

/** Takes in what a call took beyond the runtime's own time, measured on a replica that had nothing else to do. */
export function learnOverhead(curve: CostCurve, payload: 'tensors' | 'files', ms: number): void {
  if (!(ms >= 0)) return;
  const before = curve.overhead[payload];
  // Falls faster than it rises: a stall now and then is no transport, and must not refuse work.
  curve.overhead[payload] = before + (before === 0 || ms < before ? 0.5 : newest) * (ms - before);
}

/**
 * Rows a call at which the gain in rows/s a doubling ends; at least 1, at most `sizeMax`. Walks up from one row and
 * stops at the first size that does not pay. A size that is not known yet ends the walk one step above the known ones,
 * so that live batches find out.
 */
export function batchCap(curve: CostCurve, sizeMax: number): number {
  let cap = 1;
  let best = curve.points[0] as Point;
  if (best.samples < samplesMin) return Math.min(1, sizeMax);
  for (let size = 1; size < sizes && 2 ** size <= learnedCapMax; size += 1) {
    const point = curve.points[size] as Point;
    if (point.samples < samplesMin) {
      cap = 2 ** size;
      break;
    }
    const wanted = 1 + gainMin * Math.log2(point.rows / best.rows);
    // Cross-multiplied: a point of 0 ms (a model below the timer's resolution) always pays.
    if (point.rows * best.ms <= wanted * best.rows * point.ms) break;
    cap = 2 ** size;
    best = point;
  }
  return Math.max(1, Math.min(cap, sizeMax));
}

/** Expected time of the runtime for a call of `rows`; undefined when nothing has been measured. */
export function computeMs(curve: CostCurve, rows: number): number | undefined {
  let below: Point | undefined;
  for (const point of curve.points) {
    if (point.samples === 0) continue;
    if (point.rows >= rows) {
      // Fewer rows than were ever measured: as dear as the smallest one, which is the safe side for small calls.
      if (below === undefined || point.rows === rows) return point.ms;
      const share = (rows - below.rows) / (point.rows - below.rows);
      return Math.max(below.ms, below.ms + share * (point.ms - below.ms));
    }
    below = point;
  }
  return below === undefined ? undefined : (below.ms * rows) / below.rows;
}

/** Estimates refuse work only while they are this fresh, or a few of the longest calls old, whichever is more. */
const trustMs = 2000;

/**
 * Expected time from sending a call to its answer; undefined when nothing is known, or nothing *recently*: an estimate
 * that refuses all work would otherwise never be corrected by any.
 */
export function serviceMs(
  curve: CostCurve,
  rows: number,
  payload: 'tensors' | 'files',
  at: number,
): number | undefined {
  const compute = computeMs(curve, rows);
  if (compute === undefined) return undefined;
  const whole = compute + curve.overhead[payload];
  return at - curve.learnedAt > Math.max(trustMs, 8 * whole) ? undefined : whole;
}
