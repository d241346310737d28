/** What the samples of one histogram must say together: buckets ascend and add up, and sum and count come in pairs. */
import { ExpositionError, type ParsedSample } from './family.ts';
import { readNumber } from './number.ts';

/** `samples`: of one metric at one moment, in their order. Throws ExpositionError. */
export function checkHistogram(family: string, samples: readonly ParsedSample[]): void {
  const require = (holds: boolean, law: string): void => {
    if (!holds) throw new ExpositionError(`expected ${law}: ${family}`);
  };
  const valueOf = (...suffixes: readonly string[]): number | undefined =>
    samples.find(({ name }) => suffixes.includes(name.slice(family.length)))?.value;
  const buckets = samples
    .filter(({ name }) => name === `${family}_bucket`)
    .map(({ labels, value }) => ({ bound: readNumber(labels['le'] ?? '') ?? Number.NaN, value }));
  for (const [index, { bound, value }] of buckets.entries()) {
    const before = buckets[index - 1];
    if (before === undefined) continue;
    require(bound > before.bound, 'bounds that ascend');
    require(value >= before.value, 'buckets that are cumulative');
  }
  const last = buckets.at(-1);
  require(last?.bound === Infinity, 'a bucket for +Inf');
  const count = valueOf('_count', '_gcount');
  require(count === undefined || count === last?.value, 'a count that is the last bucket');
  const sum = valueOf('_sum');
  const gaugeSum = valueOf('_gsum');
  require((count === undefined) === (sum === undefined && gaugeSum === undefined), 'sum and count, or neither');
  const below = buckets.some(({ bound }) => bound < 0);
  require(!below || sum === undefined, 'no sum where buckets are below 0');
  require(below || gaugeSum === undefined || gaugeSum >= 0, 'a sum from 0 where no bucket is below 0');
}
