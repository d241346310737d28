/**
 * What a call of so many rows costs, learned from warm-up and from live batches, and the batch size at which more rows
 * stop paying. It knows nothing of queues. Times in milliseconds.
 *
 * Points are kept for rows in (1], (1, 2], (2, 4] … (512, 1024]. Between two points the time is a straight line; beyond
 * the last it goes on in proportion.
 * Sizes are compared only side by side: a call moves its size against the others by what it cost beside the call before
 * it, of another size. Otherwise a call says how fast the machine is now, and all sizes follow it. Machines swing twofold
 * within seconds; sizes compared across two speeds once made a network that loses by batching batch.
 * So that there is something to compare, a call now and then tries the size above or below the cap.
 */

interface Point {
  rows: number;
  ms: number;
  /** Comparisons that went into it; 0 is a size that is not known. */
  samples: number;
  /** Of the last comparison: the logarithm of how much dearer than expected its size was. */
  said: number;
}

export interface CostCurve {
  readonly points: Point[];
  /** Time of a call beyond the runtime's own, by payload: transport and, for files, decoding. */
  readonly overhead: { tensors: number; files: number };
  /** Nine of ten calls take at most this many times what was expected of them; 1 until calls have shown otherwise. */
  tail: number;
  /** When the last measurement came in; -Infinity before the first. */
  learnedAt: number;
  /** Size of the last live call, -1 before the first, and how many times its point's cost it had taken. */
  lastSize: number;
  lastFactor: number;
  /** Size that the next calls try; -1 when none does. */
  trial: number;
  /** Calls since the size above the cap was tried last, and the one below it. */
  sinceAbove: number;
  sinceBelow: number;
  /** Calls after which the size above is tried again: more each time that it did not pay. */
  aboveEvery: number;
  /** The cap's size that `aboveEvery` belongs to. */
  settled: number;
}

/** Rows/s must grow by this share a doubling for the doubling to be worth the wait. */
export const gainMin = 0.05;
/** A size counts as known after this many comparisons; a warm-up point is a median and counts at once. */
const samplesMin = 3;
/** Weight of a new comparison once there are enough, and of a new time in the machine's speed. */
const newest = 0.2;
/** Weight of an overhead that is longer than before. */
const newestOverhead = 0.1;
/** No call is believed to take more, or less, than this many times what was expected. */
const factorMax = 1024;
/** What one comparison may say at most, either way: a stall is no cost. */
const comparedMax = 2;
/** Calls between two trials of a size; of one above the cap that is not known; and of one above that never paid. */
const trialEvery = 16;
const trialEveryUnknown = 2;
const trialEveryMax = 512;
/** Largest cap that is learned; a fixed `sizeMax` may be larger. */
export const learnedCapMax = 64;
/** What of a call's overhead is the same for every size; what is more grows with its bytes, or is the wait for a core. */
const wayMsMax = 0.5;
const sizes = 11;
/** The share of calls that the tail covers, and how far one call moves it. */
const tailShare = 0.9;
const tailStep = 0.1;
/** A machine that stutters worse than this is not planned around: it would refuse work that mostly succeeds. */
const tailMax = 2;
const learnedSizes = Math.log2(learnedCapMax) + 1;

export function createCostCurve(): CostCurve {
  return {
    points: Array.from({ length: sizes }, () => ({ rows: 0, ms: 0, samples: 0, said: 0 })),
    overhead: { tensors: 0, files: 0 },
    tail: 1,
    learnedAt: -Infinity,
    lastSize: -1,
    lastFactor: 1,
    trial: -1,
    sinceAbove: 0,
    sinceBelow: 0,
    aboveEvery: trialEvery,
    settled: 0,
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
  const size = sizeOf(rows);
  const point = curve.points[size] as Point;
  const beside = curve.lastSize !== -1 && curve.lastSize !== size;
  if (point.samples === 0) {
    point.rows = rows;
    // As it would have been when the machine was as fast as the other points say.
    point.ms = beside ? ms / curve.lastFactor : ms;
    point.samples = 1;
  } else {
    const compared = factorOf(curve, rows, ms) / (beside ? curve.lastFactor : 1);
    // The point follows the sizes of its calls along the line.
    const between = point.rows + newest * (rows - point.rows);
    point.ms = computeMs(curve, between) ?? ms;
    point.rows = between;
    if (beside) {
      const said = Math.log(Math.min(Math.max(compared, 1 / comparedMax), comparedMax));
      // As far as the comparison before it agrees: one call that was stalled says nothing about its size.
      const agreed = point.samples === 1 ? said : agreement(said, point.said);
      point.ms *= Math.exp(agreed * Math.max(1 / (point.samples + 1), newest));
      point.said = said;
      point.samples += 1;
    }
  }
  const factor = factorOf(curve, rows, ms);
  const slower = 1 + newest * (factor - 1);
  for (const each of curve.points) each.ms *= slower;
  curve.lastFactor = factor / slower;
  curve.lastSize = size;
  curve.learnedAt = at;
  chooseTrial(curve);
}

/**
 * A call of so many rows begins: what is tried is tried by one call. Until its end was known the trial once stood for all
 * replicas, so that a crowd, which is the first to bring enough rows, had every one of them try the size that does not pay.
 */
export function beginCall(curve: CostCurve, rows: number): void {
  if (curve.trial === sizeOf(rows)) curve.trial = -1;
}

/** What both say: the smaller of two that point the same way, else nothing. */
function agreement(one: number, other: number): number {
  if (one * other <= 0) return 0;
  return Math.abs(one) < Math.abs(other) ? one : other;
}

/** How many times the expected cost a call took; 1 where a comparison says nothing (below the timer's resolution). */
function factorOf(curve: CostCurve, rows: number, ms: number): number {
  const expected = computeMs(curve, rows) ?? ms;
  return expected > 0 && ms > 0 ? Math.min(Math.max(ms / expected, 1 / factorMax), factorMax) : 1;
}

/**
 * Now and then the size above the cap, and the one below it. The one below costs nothing; the one above makes its callers
 * wait for each other, so it is tried less and less often for as long as it does not pay.
 */
function chooseTrial(curve: CostCurve): void {
  curve.sinceAbove += 1;
  curve.sinceBelow += 1;
  const cap = settledSize(curve);
  if (cap !== curve.settled) {
    curve.settled = cap;
    curve.aboveEvery = trialEvery;
  }
  if (cap > 0 && curve.sinceBelow >= trialEvery) {
    curve.sinceBelow = 0;
    curve.trial = cap - 1;
  }
  const above = cap + 1;
  if (above >= learnedSizes) return;
  const unknown = (curve.points[above] as Point).samples < samplesMin;
  if (curve.sinceAbove < (unknown ? trialEveryUnknown : curve.aboveEvery)) return;
  curve.sinceAbove = 0;
  curve.trial = above;
  if (!unknown) curve.aboveEvery = Math.min(curve.aboveEvery * 2, trialEveryMax);
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
  curve.overhead[payload] = before + (before === 0 || ms < before ? 0.5 : newestOverhead) * (ms - before);
}

/**
 * The size of the largest call that pays, walking up from one row to the first that does not or is not known. A replica is
 * taken for the way there and back as well, so that counts once for every size: more than half of what a small network's
 * call takes. Not the way of files, which is mostly decoding and grows with the rows.
 */
function settledSize(curve: CostCurve): number {
  let best = curve.points[0] as Point;
  if (best.samples === 0) return 0;
  const way = Math.min(curve.overhead.tensors, wayMsMax);
  let size = 0;
  while (size + 1 < learnedSizes) {
    const point = curve.points[size + 1] as Point;
    if (point.samples < samplesMin) break;
    const wanted = 1 + gainMin * Math.log2(point.rows / best.rows);
    // Cross-multiplied: a point of 0 ms (a model below the timer's resolution) always pays.
    if (point.rows * (best.ms + way) <= wanted * best.rows * (point.ms + way)) break;
    best = point;
    size += 1;
  }
  return size;
}

/**
 * Rows that the next call may have; at least 1, at most `sizeMax`: where the gain in rows/s a doubling ends, or the
 * neighbouring size that is being tried.
 */
export function batchCap(curve: CostCurve, sizeMax: number): number {
  const size = curve.trial === -1 ? settledSize(curve) : curve.trial;
  return Math.max(1, Math.min(2 ** size, sizeMax));
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
