/**
 * Chance as an argument: the composition root passes a seeded generator, a failing test prints its seed.
 * Not for secrets. Invariant: the same seed gives the same numbers on every machine.
 */

export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
}

/** xoshiro128** (Blackman and Vigna, 2018), its state filled from the seed by splitmix32. */
export function seededRng(seed: number): Rng {
  const fill = splitmix32(seed);
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  return {
    next() {
      const five = Math.imul(b, 5);
      const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
      return result / 4_294_967_296;
    },
  };
}

function splitmix32(seed: number): () => number {
  // Seeds beyond 32 bits must differ too, so the upper half is mixed in.
  let state = (seed ^ Math.imul(Math.floor(seed / 4_294_967_296), 0x9e3779b9)) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}

/** An integer in [0, below). */
export function nextInt(rng: Rng, below: number): number {
  return Math.floor(rng.next() * below);
}

/** Fisher and Yates, in place. */
export function shuffle<T>(rng: Rng, items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = nextInt(rng, last + 1);
    const kept = items[last] as T;
    items[last] = items[other] as T;
    items[other] = kept;
  }
  return items;
}

/** Standard normal by the polar method of Marsaglia; for single draws. */
export function nextGaussian(rng: Rng): number {
  for (;;) {
    const x = rng.next() * 2 - 1;
    const y = rng.next() * 2 - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
  }
}

const tableBits = 16;
let table: Float32Array | undefined;

/** The normal distribution's quantiles at 2^16 equally likely places, so that a draw is one look-up. */
function quantileTable(): Float32Array {
  if (table !== undefined) return table;
  const size = 1 << tableBits;
  const quantiles = new Float32Array(size);
  for (let index = 0; index < size / 2; index++) {
    const quantile = normalQuantile((index + 0.5) / size);
    quantiles[index] = quantile;
    quantiles[size - 1 - index] = -quantile;
  }
  table = quantiles;
  return quantiles;
}

/** Bulk draws for tens of millions of weights: discrete at 2^-16, two to a random word, exact in mean. */
export function fillGaussian(rng: Rng, target: Float32Array, mean: number, deviation: number): void {
  const quantiles = quantileTable();
  for (let index = 0; index < target.length; index += 2) {
    const word = (rng.next() * 4_294_967_296) >>> 0;
    target[index] = mean + deviation * (quantiles[word & 0xffff] as number);
    // Writing one past an odd end is ignored by a typed array.
    target[index + 1] = mean + deviation * (quantiles[word >>> tableBits] as number);
  }
}

/**
 * Quantile of the standard normal for p in (0, 0.5], absolute error below 4.5e-4 (Abramowitz and Stegun 26.2.23):
 * ample for weights.
 */
export function normalQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(p));
  return -(t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
}
