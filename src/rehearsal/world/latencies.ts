/**
 * Latencies counted in buckets that are read off the bits of the number: its exponent and the first seven bits of its
 * mantissa. So counting takes no logarithm, and a quantile is at most 1/128 above the exact one.
 */

const mantissaBits = 7;
const shift = 20 - mantissaBits;
/** 2^-10 ms and 2^30 ms, about a microsecond and twelve days. */
const lowest = (1023 - 10) << mantissaBits;
const highest = (1023 + 30) << mantissaBits;

/** Relative error of a quantile at most. */
export const quantileError = 1 / (1 << mantissaBits);

export class Latencies {
  readonly #counts = new Float64Array(highest - lowest + 1);
  readonly #number = new Float64Array(1);
  /** The upper half of the number, which is the second word where the machine stores the lower half first. */
  readonly #words = new Int32Array(this.#number.buffer);
  readonly #upper = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;
  count = 0;

  record(ms: number): void {
    this.#number[0] = ms;
    const bucket = ((this.#words[this.#upper] as number) >> shift) - lowest;
    const kept = bucket < 0 ? 0 : bucket > highest - lowest ? highest - lowest : bucket;
    this.#counts[kept] = (this.#counts[kept] as number) + 1;
    this.count += 1;
  }

  /** NaN when nothing was recorded. */
  quantile(q: number): number {
    if (this.count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    let bucket = 0;
    while (bucket < this.#counts.length - 1) {
      seen += this.#counts[bucket] as number;
      if (seen >= rank) break;
      bucket += 1;
    }
    this.#words[1 - this.#upper] = 0;
    // Where the next bucket begins.
    this.#words[this.#upper] = (bucket + lowest + 1) << shift;
    return this.#number[0] as number;
  }
}
