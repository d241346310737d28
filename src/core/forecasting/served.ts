/**
 * A forecaster that is a model which the platform serves: it is asked when a step ends and answers before the next, or
 * does not. To the outlook it is a forecaster like any other whose state is the last answer: requests a second of the
 * steps that followed the moment at which it was asked. An answer ages with each step: what it says of a step is then
 * one place further on; after two steps without another one it says nothing.
 */
import type { Forecaster } from './forecaster.ts';

export interface Served {
  /** Of the steps after the question, the next one first; NaN where the model said nothing that can be. */
  readonly said: readonly number[];
  /** Steps since the question; infinite before the first answer. */
  readonly age: number;
}

const ageMax = 2;

export const unanswered: Served = { said: [], age: Number.POSITIVE_INFINITY };

export function servedForecaster(name: string): Forecaster<Served> {
  return {
    name,
    start: () => unanswered,
    observe: ({ said, age }) => ({ said, age: age + 1 }),
    forecast: ({ said, age }, steps) => (age > ageMax ? Number.NaN : (said[age + steps - 1] ?? Number.NaN)),
  };
}

/** An answer, `age` steps after its question. A rate below nothing, or that is no number, says nothing. */
export function answered(said: ArrayLike<number>, age = 0): Served {
  return { said: Array.from(said, (rate) => (Number.isFinite(rate) && rate >= 0 ? rate : Number.NaN)), age };
}
