/**
 * Ray Serve's autoscaling rules: ray-project/ray 2.60.0, python/ray/serve/autoscaling_policy.py and
 * _private/metrics_utils.py (Apache-2.0). Delays are real seconds, at least the delay with a millionth of slack, and are
 * measured against the *target*, while the wish comes from the *running* count. Bounds come afterwards, elsewhere.
 */

export interface RayConfig {
  readonly targetOngoingRequests: number;
  readonly upscalingFactor: number;
  readonly downscalingFactor: number;
  readonly upscaleDelaySeconds: number;
  readonly downscaleDelaySeconds: number;
  /** The last replica's own delay; null: the same. */
  readonly downscaleToZeroDelaySeconds: number | null;
}

/** In which direction the wish has pointed without a break, and since when (seconds). */
export interface RayMemory {
  readonly direction: -1 | 0 | 1;
  readonly since: number;
}

export const freshRay: RayMemory = { direction: 0, since: 0 };

/** Part of the way, or more than all of it; one that would get stuck on its way down goes by one. */
export function scaleByFactor(desired: number, running: number, upFactor: number, downFactor: number): number {
  const delta = desired - running;
  const scaled = Math.ceil(running + (delta > 0 ? upFactor : downFactor) * delta);
  return Math.ceil(desired) < running && scaled === running ? scaled - 1 : scaled + 0;
}

type Delays = Pick<RayConfig, 'upscaleDelaySeconds' | 'downscaleDelaySeconds' | 'downscaleToZeroDelaySeconds'>;

const slackSeconds = 1e-6;

/** A wish has to last for its delay. Zero is only reached from one. */
export function delay(
  memory: RayMemory,
  desired: number,
  target: number,
  config: Delays,
  at: number,
): { readonly memory: RayMemory; readonly replicas: number } {
  const direction = desired > target ? 1 : desired < target ? -1 : 0;
  if (direction === 0) return { memory: freshRay, replicas: target };
  const since = memory.direction === direction ? memory.since : at;
  const last = direction < 0 && target === 1;
  const down = last
    ? (config.downscaleToZeroDelaySeconds ?? config.downscaleDelaySeconds)
    : config.downscaleDelaySeconds;
  const needed = direction > 0 ? config.upscaleDelaySeconds : down;
  if (at - since < needed - slackSeconds) return { memory: { direction, since }, replicas: target };
  return { memory: freshRay, replicas: Math.max(desired, direction < 0 && !last ? 1 : 0) };
}

/**
 * Running replicas times how far off they are. Not simply ongoing over target: the two differ in the last bit, and what
 * is a hair above a whole number is rounded up.
 */
function queueLengthWish(ongoing: number, running: number, perReplica: number): number {
  return running * (ongoing / (perReplica * running));
}

/** `custom`: what another rule than the queue length asks for. */
export function decideRay(
  memory: RayMemory,
  seen: { readonly ongoing: number; readonly running: number; readonly target: number },
  config: RayConfig,
  at: number,
  custom?: number,
): { readonly memory: RayMemory; readonly replicas: number } {
  // From nothing at once, and past the delays: there is nobody whose load could be looked at for a while.
  if (seen.running === 0) {
    const cold = seen.ongoing > 0 ? Math.max(Math.ceil(config.upscalingFactor), seen.target) : seen.target;
    return { memory, replicas: cold };
  }
  const wish = custom ?? queueLengthWish(seen.ongoing, seen.running, config.targetOngoingRequests);
  const scaled = scaleByFactor(wish, seen.running, config.upscalingFactor, config.downscalingFactor);
  return delay(memory, scaled, seen.target, config, at);
}

/** Replicas that only live in groups: up to whole groups, then inside the bounds. */
export function toGangs(decision: number, gangSize: number, min = 0, max = Number.POSITIVE_INFINITY): number {
  return Math.min(max, Math.max(min, Math.ceil(decision / gangSize) * gangSize));
}

export type StepSeries = readonly (readonly [at: number, value: number])[];

/** The sum of several step functions as one: a point where any of them changes, on a grid of 10 ms. */
export function mergeSeries(series: readonly StepSeries[]): StepSeries {
  const points = series
    .flatMap((steps, index) => steps.map(([at, value]) => ({ at, value, index })))
    .sort((left, right) => left.at - right.at || left.index - right.index);
  const held = series.map(() => 0);
  const merged: [number, number][] = [];
  let total = 0;
  for (const { at, value, index } of points) {
    const change = value - (held[index] as number);
    if (change === 0) continue;
    total += change;
    held[index] = value;
    const rounded = Math.round(at * 100) / 100;
    const last = merged.at(-1);
    if (last?.[0] === rounded) last[1] = total;
    else merged.push([rounded, total]);
  }
  return merged;
}

/** The mean over time of a step function; before its first point it is 0. Undefined where there is no time or point. */
export function timeWeightedMean(
  series: StepSeries,
  windowStart: number | null,
  windowEnd: number | null,
  lastWindowSeconds: number,
): number | undefined {
  const first = series[0];
  const last = series.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const start = windowStart ?? first[0];
  const end = windowEnd ?? last[0] + lastWindowSeconds;
  if (end <= start) return undefined;
  let sum = 0;
  let held = 0;
  let from = start;
  for (const [at, value] of series) {
    if (at >= end) break;
    if (at > start) {
      sum += held * (at - from);
      from = at;
    }
    held = value;
  }
  return (sum + held * (end - from)) / (end - start);
}
