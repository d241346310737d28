/**
 * When requests are meant to be sent: the times of an open loop, made before any answer is known. Poisson arrivals are
 * unit-rate exponential gaps on the integral of the rate; constant ones are gaps of exactly one. Pure, given the chance.
 * Invariant: ascending, within [0, durationMs), and their expected number is the integral of the rate.
 */
import { rateAt, type Shape } from './shapes.ts';

/** Integration step; a rate that changes faster than this is smoothed. */
const stepMs = 1;

export function* arrivals(
  shape: Shape,
  durationMs: number,
  kind: 'poisson' | 'constant',
  random: () => number,
): Generator<number, void, void> {
  const gap = kind === 'constant' ? () => 1 : () => -Math.log(1 - random());
  // The first of a constant stream comes after half a gap: otherwise 10 s at 1/s would send at 0 and never at 10.
  let target = kind === 'constant' ? 0.5 : gap();
  let integral = 0;
  for (let at = 0; at < durationMs; at += stepMs) {
    const width = Math.min(stepMs, durationMs - at);
    const added = (rateAt(shape, at + width / 2) * width) / 1000;
    const end = integral + added;
    // Without a rate the target cannot be reached: it lies beyond `integral`, which is `end`.
    while (target <= end) {
      const when = at + ((target - integral) / added) * width;
      if (when < durationMs) yield when;
      target += gap();
    }
    integral = end;
  }
}

/** A small seeded generator (mulberry32): the same seed gives the same load. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
