/**
 * How far above everything seen a fleet may be bought: 15 % above the highest requirement there was, and one unit; while
 * young as much more as load is known to grow within a lag, which fades with six hours. A surprise is then met once with
 * what it asks for and not with a multiple of it.
 */

/**
 * How much load grows within a lag in 99 of 100 cases where it is above its median: 1.05 + 0.042 √lag, read off public
 * traces of web, chat and microservice traffic at lags of 10 to 450 s (docs/governor.md). `lag` in seconds.
 */
export function growth99(lag: number): number {
  return 1.05 + 0.042 * Math.sqrt(lag);
}

const fadeSeconds = 6 * 3600;

export function capOf(peak: number, lag: number, ageSeconds: number): number {
  return (1.15 + (growth99(lag) - 1) * Math.exp(-ageSeconds / fadeSeconds)) * peak + 1;
}
