import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MetricFamily } from '../metrics.ts';
import { mergeFamilies, observe, openRegistry } from '../registry.ts';
import { formatFor } from './negotiate.ts';
import { canonicalNumber, readNumber } from './number.ts';
import { parseOpenMetrics } from './parse.ts';
import { printOpenMetrics } from './print.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

test('one exposition as it is written, with unit, exemplar and end', () => {
  const registry = openRegistry();
  registry.counter({ name: 'flyball_requests_total', help: 'Ended.', labels: ['outcome'] })('ok').value += 3;
  const definition = { name: 'flyball_wait_seconds', help: 'Wait,\nin "seconds".', labels: ['deployment'] };
  const wait = registry.histogram({ ...definition, bounds: [0.00005, 1] })('digits');
  observe(wait, 0.5, { traceId, at: 1_700_000_000_250 });
  observe(wait, 7);
  assert.equal(
    printOpenMetrics(registry.families()),
    [
      '# TYPE flyball_requests counter',
      '# HELP flyball_requests Ended.',
      'flyball_requests_total{outcome="ok"} 3',
      '# TYPE flyball_wait_seconds histogram',
      '# UNIT flyball_wait_seconds seconds',
      String.raw`# HELP flyball_wait_seconds Wait,\nin \"seconds\".`,
      'flyball_wait_seconds_bucket{deployment="digits",le="5e-05"} 0',
      `flyball_wait_seconds_bucket{deployment="digits",le="1.0"} 1 # {trace_id="${traceId}"} 0.5 1700000000.250`,
      'flyball_wait_seconds_bucket{deployment="digits",le="+Inf"} 2',
      'flyball_wait_seconds_sum{deployment="digits"} 7.5',
      'flyball_wait_seconds_count{deployment="digits"} 2',
      '# EOF',
      '',
    ].join('\n'),
  );
});

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const label = fc.string({ unit: 'binary', maxLength: 12 });
/** Families of every kind with names of their own and whatever label values callers may come up with. */
const families: fc.Arbitrary<MetricFamily[]> = fc.uniqueArray(word, { maxLength: 5 }).chain((names) =>
  fc.tuple(
    ...names.map((name) =>
      fc.oneof(
        fc.uniqueArray(label, { minLength: 1, maxLength: 3 }).map((values): MetricFamily => ({
          name: `flyball_${name}_total`,
          help: `${name} "x" \\ \n y`,
          type: 'counter',
          samples: values.map((value, index) => ({ labels: { who: value }, value: index })),
        })),
        fc
          .double()
          .map((value) => value + 0 /* no minus zero, which text has none of */)
          .map((value): MetricFamily => ({
            name: `flyball_${name}_bytes`,
            help: name,
            type: 'gauge',
            samples: [{ labels: {}, value }],
          })),
        fc.array(fc.nat(1e6), { minLength: 4, maxLength: 4 }).map((counts): MetricFamily => ({
          name: `flyball_${name}_seconds`,
          help: name,
          type: 'histogram',
          bounds: [0.00001, 1, 2_000_000],
          samples: [
            { labels: { who: name }, counts, sum: 4, exemplars: [null, { traceId, value: 1, at: 5 }, null, null] },
          ],
        })),
      ),
    ),
  ),
);

test('whatever is counted, what is printed is OpenMetrics, and says what was counted', () => {
  fc.assert(
    fc.property(families, (given) => {
      const read = parseOpenMetrics(printOpenMetrics(given));
      assert.deepEqual(
        read.map(({ name, help }) => ({ name, help })),
        given.map(({ name, help }) => ({ name: name.replace(/_total$/, ''), help })),
      );
      for (const [index, family] of given.entries()) {
        const { samples } = read[index] ?? assert.fail('a family is missing');
        if (family.type === 'histogram') {
          const total = family.samples[0]?.counts.reduce((sum, count) => sum + count, 0);
          assert.equal(samples.find(({ name }) => name.endsWith('_count'))?.value, total);
          assert.equal(samples.filter(({ exemplar }) => exemplar !== undefined).length, 1);
        } else {
          const told = samples.map(({ labels, value }) => ({ labels, value }));
          assert.deepEqual(
            told,
            family.samples.map(({ labels, value }) => ({ labels, value })),
          );
        }
      }
    }),
  );
});

test('a number is written in one way, which reads back as itself', () => {
  const written = [0, 1, 0.5, 1e6, 123_456, 0.0001, 0.00001, 2.5e9, Infinity].map(canonicalNumber);
  assert.deepEqual(written, ['0.0', '1.0', '0.5', '1e+06', '123456.0', '0.0001', '1e-05', '2.5e+09', '+Inf']);
  fc.assert(fc.property(fc.double({ noNaN: true }), (value) => readNumber(canonicalNumber(value)) === value + 0));
});

test('a bucket holds one exemplar: the last, but not a newer one within the second', () => {
  const registry = openRegistry();
  const series = registry.histogram({ name: 'h', help: 'h', labels: [], bounds: [1] })();
  const at = (ms: number) => observe(series, 0.5, { traceId: String(ms), at: ms });
  const held = () => series.exemplars?.map((exemplar) => exemplar?.at);
  at(5000);
  at(5999);
  assert.deepEqual(held(), [5000, undefined]);
  at(6000);
  assert.deepEqual(held(), [6000, undefined]);
  at(1000); // the clock was set back
  assert.deepEqual(held(), [1000, undefined]);
});

test('of two processes the younger exemplar of each bucket stands, in whichever order they come', () => {
  const one = (at: readonly (number | undefined)[]): MetricFamily[] => [
    {
      name: 'h',
      help: 'h',
      type: 'histogram',
      bounds: [1, 2],
      samples: [
        {
          labels: {},
          counts: [1, 1, 1],
          sum: 3,
          exemplars: at.map((ms) => (ms === undefined ? null : { traceId, value: 1, at: ms })),
        },
      ],
    },
  ];
  const merged = (...parts: readonly MetricFamily[][]) => {
    const [family] = mergeFamilies(parts);
    assert.ok(family?.type === 'histogram');
    return family.samples[0]?.exemplars?.map((exemplar) => exemplar?.at);
  };
  const [left, right] = [one([1, 9, undefined]), one([5, 2, undefined])];
  assert.deepEqual(merged(left, right), [5, 9, undefined]);
  assert.deepEqual(merged(right, left), [5, 9, undefined]);
});

test('OpenMetrics is for whoever asks for it and likes plain text no better', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const wanted: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'text'],
    ['*/*', 'text'],
    ['text/html', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text; version=2.0.0, text/plain;q=0.1', 'text'],
    ['application/openmetrics-text;q=0.2, text/plain', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;q=x', 'text'],
    [prometheus, 'openmetrics'],
    [','.repeat(100_000), 'text'],
  ];
  for (const [accept, format] of wanted) assert.equal(formatFor(accept), format, accept?.slice(0, 80));
});
