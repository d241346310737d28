/** What a sample may be by the type of its family, whatever its neighbours say. */
import { ExpositionError, type MetricType, type ParsedSample } from './family.ts';
import { readNumber } from './number.ts';

const counterLike = new Set(['_total', '_sum', '_count', '_bucket', '_gcount', '_gsum']);
const whole = new Set(['_bucket', '_count', '_gcount']);

/** A bound of a bucket or a quantile; infinity is written in one way alone. */
function boundOf(text: string | undefined): number | undefined {
  const value = text === undefined ? undefined : readNumber(text);
  if (value === undefined || Number.isNaN(value) || (value === Infinity && text !== '+Inf')) return undefined;
  return value;
}

/** Throws ExpositionError; `family` is the name of the sample's family. */
export function checkSample(family: string, type: MetricType, sample: ParsedSample): void {
  const { name, labels, value, exemplar } = sample;
  const suffix = name.slice(family.length);
  const require = (holds: boolean, law: string): void => {
    if (!holds) throw new ExpositionError(`expected ${law}: ${name}${JSON.stringify(labels)} ${value}`);
  };
  if (counterLike.has(suffix)) {
    require(!Number.isNaN(value), 'a number, not NaN');
    require(value >= 0 || suffix === '_gsum', 'nothing below 0');
  }
  if (whole.has(suffix)) require(Number.isInteger(value), 'a whole number');
  if (suffix === '_bucket') require(boundOf(labels['le']) !== undefined, 'a bound of the bucket in le');
  if (type === 'stateset') {
    require(Object.hasOwn(labels, family), `a label ${family}`);
    require(value === 0 || value === 1, '0 or 1');
  }
  if (type === 'info') require(value === 1, '1');
  if (type === 'summary' && suffix === '') {
    const quantile = boundOf(labels['quantile']);
    require(quantile !== undefined && quantile >= 0 && quantile <= 1, 'a quantile between 0 and 1');
    require(!(value < 0), 'nothing below 0');
  }
  if (exemplar === undefined) return;
  const mayHave = suffix === '_bucket' ? ['histogram', 'gaugehistogram'] : suffix === '_total' ? ['counter'] : [];
  require(mayHave.includes(type), 'exemplars at buckets and counters alone');
}

/** The labels that tell a metric from the others of its family: not those that tell its own samples apart. */
export function metricOf(family: string, type: MetricType, { name, labels }: ParsedSample): string {
  if (type === 'info') return '';
  let own: string | undefined;
  if (type === 'stateset') own = family;
  else if (type === 'summary' && name === family) own = 'quantile';
  else if (name === `${family}_bucket`) own = 'le';
  const entries = Object.entries(labels).filter(([label]) => label !== own);
  return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
