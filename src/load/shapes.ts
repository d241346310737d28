/**
 * How a rate moves over time: pure functions from milliseconds since the start to requests a second. They know nothing
 * of sending. Invariant: finite and never negative, whatever the time.
 */

export type Shape =
  | { readonly kind: 'constant'; readonly rate: number }
  /** From `rate` to `peak` in a straight line over the duration. */
  | { readonly kind: 'ramp'; readonly rate: number; readonly peak: number; readonly durationMs: number }
  /** `rate` for the first half, `peak` for the second. */
  | { readonly kind: 'step'; readonly rate: number; readonly peak: number; readonly durationMs: number }
  /** `rate`, but `peak` in the middle fifth: a crowd that comes at once and leaves again. */
  | { readonly kind: 'flash'; readonly rate: number; readonly peak: number; readonly durationMs: number }
  /** Between `rate` (at the start) and `peak` (half a period later). */
  | { readonly kind: 'sine'; readonly rate: number; readonly peak: number; readonly periodMs: number }
  /** Each point's rate holds until the next point; before the first point its rate, after the last its rate. */
  | { readonly kind: 'trace'; readonly points: readonly TracePoint[] };

export interface TracePoint {
  readonly atMs: number;
  readonly rate: number;
}

export function rateAt(shape: Shape, ms: number): number {
  switch (shape.kind) {
    case 'constant':
      return shape.rate;
    case 'ramp': {
      const share = Math.min(1, Math.max(0, ms / shape.durationMs));
      return shape.rate + (shape.peak - shape.rate) * share;
    }
    case 'step':
      return ms < shape.durationMs / 2 ? shape.rate : shape.peak;
    case 'flash': {
      const share = ms / shape.durationMs;
      return share >= 0.4 && share < 0.6 ? shape.peak : shape.rate;
    }
    case 'sine':
      return shape.rate + ((shape.peak - shape.rate) * (1 - Math.cos((2 * Math.PI * ms) / shape.periodMs))) / 2;
    default:
      return traceRate(shape.points, ms);
  }
}

function traceRate(points: readonly TracePoint[], ms: number): number {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((points[middle]?.atMs ?? 0) <= ms) low = middle;
    else high = middle - 1;
  }
  return points[low]?.rate ?? 0;
}

const traceLinesMax = 1_000_000;

/** `second,requests-per-second` a line; `#` begins a comment; a first line of words is a heading. Ascending seconds. */
export function parseTrace(text: string): readonly TracePoint[] {
  const points: TracePoint[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/#.*/, '').trim();
    if (line === '' || (points.length === 0 && /^[a-z_]/i.test(line))) continue;
    const [second, rate] = line.split(/[,;\s]+/).map(Number);
    const right = second !== undefined && rate !== undefined && Number.isFinite(second) && Number.isFinite(rate);
    if (!right || second < 0 || rate < 0)
      throw new RangeError(`trace line ${index + 1}: expected \`second,requests-per-second\`, got ${raw}`);
    if (second * 1000 < (points.at(-1)?.atMs ?? 0))
      throw new RangeError(`trace line ${index + 1}: seconds must ascend, got ${second}`);
    points.push({ atMs: second * 1000, rate });
    if (points.length > traceLinesMax) throw new RangeError(`a trace has at most ${traceLinesMax} lines`);
  }
  if (points.length === 0) throw new RangeError('a trace needs at least one line `second,requests-per-second`');
  return points;
}
