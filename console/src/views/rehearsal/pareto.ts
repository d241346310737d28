/** Cost against misses: who is beaten by nobody, and where each stands in a picture. Pure. */

export interface Standing {
  readonly cost: number;
  readonly missed: number;
}

/** Places of those to whom no other is at least as good in both and better in one, from the cheapest on. */
export function front(all: readonly Standing[]): readonly number[] {
  const beats = (one: Standing, other: Standing): boolean =>
    one.cost <= other.cost && one.missed <= other.missed && (one.cost < other.cost || one.missed < other.missed);
  return all
    .map((one, index) => ({ one, index }))
    .filter(({ one }) => !all.some((other) => beats(other, one)))
    .toSorted((left, right) => left.one.cost - right.one.cost)
    .map(({ index }) => index);
}

/** What is missed spans from one in ten thousand to all: by powers of ten, with nothing at the bottom. */
const least = 0.0001;
const decades = -Math.log10(least);

/** From 0 (nothing missed) to 1 (everything). */
export function height(missed: number): number {
  if (!(missed > 0)) return 0;
  return Math.min(1, Math.max(0.04, 0.04 + 0.96 * (1 + Math.log10(Math.max(missed, least)) / decades)));
}

export const heightTicks: readonly (readonly [number, string])[] = [
  [0, '0'],
  [0.001, '0.1 %'],
  [0.01, '1 %'],
  [0.1, '10 %'],
  [1, '100 %'],
];

/** A round number at or above, and the steps to it: for an axis from zero. */
export function ticksTo(most: number, about = 4): readonly number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}
