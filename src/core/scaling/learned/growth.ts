/**
 * How much load has grown within a lag: for each moment the highest requirement of the lag that followed over the level
 * that was there then, as a histogram for each context. A headroom quantile q means: enough for q of all that came.
 * Before anything was seen it is what public traffic shows at such a lag (slo/cap.ts), worth some minutes of evidence.
 */
import { growth99 } from '../slo/cap.ts';

/** Bins of equal ratio: 0.5 to 16, 2.7 % each. */
const bins = 128;
const lowest = Math.log(0.5);
const width = Math.log(32) / bins;
const priorCounts = 40;
const halfLifeSeconds = 48 * 3600;

export interface Growth {
  /** By context, then by bin. */
  readonly counts: Float64Array;
  /** By context. */
  readonly totals: Float64Array;
}

/** `lag`: seconds from order to serving. */
export function noGrowth(contexts: number, lag: number): Growth {
  const counts = new Float64Array(contexts * bins);
  const rate = 4.6 / Math.log(growth99(lag));
  const below = (edge: number): number => (edge <= 0 ? 0 : 1 - Math.exp(-rate * edge));
  for (let context = 0; context < contexts; context += 1)
    for (let bin = 0; bin < bins; bin += 1) {
      const edge = lowest + bin * width;
      counts[context * bins + bin] = priorCounts * (below(edge + width) - below(edge));
    }
  return { counts, totals: new Float64Array(contexts).fill(priorCounts) };
}

/** `ratio`: what was needed over what was there. `seconds`: since the last that was noted. */
export function noteGrowth({ counts, totals }: Growth, context: number, ratio: number, seconds: number): void {
  const place = Math.floor((Math.log(Math.max(ratio, 1e-9)) - lowest) / width);
  const bin = Math.min(bins - 1, Math.max(0, place));
  const keep = 2 ** (-seconds / halfLifeSeconds);
  // What has faded to a thousandth of a count says nothing, and the prior fades with it.
  for (let at = context * bins; at < (context + 1) * bins; at += 1) counts[at] = (counts[at] as number) * keep;
  counts[context * bins + bin] = (counts[context * bins + bin] as number) + 1;
  totals[context] = (totals[context] as number) * keep + 1;
}

/** The ratio that `quantile` of all that was seen in this context stayed below: the upper edge of its bin. */
export function growthAt(growth: Growth, context: number, quantile: number): number {
  return growthsAt(growth, context, [quantile])[0] as number;
}

/** The same for several quantiles, in rising order, in one pass. */
export function growthsAt({ counts, totals }: Growth, context: number, quantiles: readonly number[]): number[] {
  const found: number[] = [];
  const total = totals[context] as number;
  let sum = 0;
  for (let bin = 0; bin < bins && found.length < quantiles.length; bin += 1) {
    sum += counts[context * bins + bin] as number;
    const edge = lowest + (bin + 1) * width;
    // A quantile is reached where so much is below, up to what sums of fractions miss.
    while (found.length < quantiles.length && sum >= (quantiles[found.length] as number) * total * (1 - 1e-12))
      found.push(Math.exp(edge));
  }
  while (found.length < quantiles.length) found.push(Math.exp(lowest + bins * width));
  return found;
}
