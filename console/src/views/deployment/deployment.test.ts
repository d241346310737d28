import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DeploymentView, JournalEntryView, WhyView } from '../../../../src/api/schemas.ts';
import { seriesQuery, type SeriesView } from '../../../../src/api/series-schemas.ts';
import { nearest, readOut, sentence, trendOf } from '../../charts/describe.ts';
import { ahead, latency, marksOf, replicas, requests, type Seen } from './models.ts';
import { lengths, moved, problemOf, rangeOf, spanOf, stepMsFor, toQuery } from './range.ts';

const now = Date.UTC(2026, 10, 29, 14, 5, 7);

test('every span that an address can name is asked for in steps that the series knows, and few points', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10_000, max: 31 * 86_400_000 }), (length) => {
      const stepMs = stepMsFor({ from: now - length, to: now });
      assert.ok(seriesQuery.safeParse({ stepMs: String(stepMs) }).success, String(stepMs));
      assert.ok(length / stepMs <= 480);
    }),
  );
});

test('a span that is too short or too long to be looked at says what was expected', () => {
  assert.equal(problemOf({ from: 0, to: 60_000 }), undefined);
  assert.match(problemOf({ from: 0, to: 9999 }) ?? '', /expected 10 seconds between the two at least/);
  assert.match(problemOf({ from: 0, to: 32 * 86_400_000 }) ?? '', /expected 31 days between the two at most/);
});

test('an address that makes no sense is the last quarter of an hour', () => {
  const usual = { kind: 'live', length: '15m' };
  assert.deepEqual(rangeOf({}), usual);
  assert.deepEqual(rangeOf({ range: 'constructor' }), usual);
  assert.deepEqual(rangeOf({ from: '5', to: '4' }), usual);
  assert.deepEqual(rangeOf({ from: '1000', to: 'x' }), usual);
  assert.deepEqual(rangeOf({ range: '6h' }), { kind: 'live', length: '6h' });
  const fixed = { kind: 'fixed', from: 1000, to: 61_000 } as const;
  assert.deepEqual(rangeOf({ from: '1000', to: '61000' }), fixed);
  assert.deepEqual(toQuery(fixed), { range: undefined, from: '1000', to: '61000' });
});

test('earlier and later come back to where they began, and never lead into the future', () => {
  const live = { kind: 'live', length: '1h' } as const;
  const earlier = moved(live, -1, now);
  assert.deepEqual(spanOf(earlier, now), {
    kind: 'fixed',
    from: now - 1.5 * lengths['1h'],
    to: now - lengths['1h'] / 2,
  });
  assert.deepEqual(moved(earlier, 1, now), live);
});

const series = (columns: Record<string, (number | null)[]>, length = 4): SeriesView => ({
  deployment: 'd',
  from: now,
  stepMs: 2000,
  recordedSince: 0,
  recordedMs: Array.from({ length }, () => 2000),
  columns,
});
const deployment = { min: 1, max: 6, sloP99Ms: 50 } as unknown as DeploymentView;
const seen = (columns: Record<string, (number | null)[]>, more: Partial<Seen> = {}): Seen => ({
  series: series(columns),
  deployment,
  entries: [],
  others: false,
  ...more,
});
const valuesOf = (model: ReturnType<typeof requests>, id: string): readonly (number | null)[] | undefined =>
  model.lines.find((line) => line.id === id)?.values;

test('counts become rates of what was recorded, and what was not recorded stays unknown', () => {
  const half = { ...seen({ arrivals: [10, null, 0, 6] }) };
  const model = requests({ ...half, series: { ...half.series, recordedMs: [2000, 0, 2000, 1000] } });
  assert.deepEqual(valuesOf(model, 'arrivals'), [5, null, 0, 6]);
});

test('a forecast is drawn only where a forecaster is believed, as a fan beyond the last point', () => {
  const horizon = (seconds: number, by: string | null) => ({
    seconds,
    perSecond: 8,
    by,
    authority: 0.5,
    forecasters: [{ name: 'holt', perSecond: 9, low: 6, high: 12 }],
  });
  const why = {
    at: now + 6000,
    forecasts: { horizons: [horizon(1, 'holt'), horizon(600, 'holt')] },
  } as unknown as WhyView;
  const model = requests(seen({ arrivals: [2, 2, 2, 2] }, { why }));
  assert.deepEqual(valuesOf(model, 'forecast'), [null, null, null, 1, 8]);
  assert.deepEqual(valuesOf(model, 'high'), [null, null, null, null, 12]);
  assert.equal(model.at.at(-1), now + 7000);
  assert.equal(model.lastIndex, 3);
  for (const { values } of model.lines) assert.equal(values.length, model.at.length);
  const nobody = { at: now, forecasts: { horizons: [horizon(1, null)] } } as unknown as WhyView;
  assert.deepEqual(ahead(nobody, Infinity), []);
});

test('the objective is a line of its own, and the others are there by one switch', () => {
  assert.deepEqual(valuesOf(latency(seen({ p99Ms: [1, 2, 3, 4] })), 'slo'), [50, 50, 50, 50]);
  const columns = { target: [1, 1, 2, 2], ready: [1, 1, 1, 2], ifHpa: [null, 1, 1, 3] };
  assert.equal(valuesOf(replicas(seen(columns)), 'ifHpa'), undefined);
  assert.deepEqual(valuesOf(replicas(seen(columns, { others: true })), 'ifHpa'), [null, 1, 1, 3]);
});

test('bounds far above what is used are no band', () => {
  const columns = { target: [1, 1, 1, 1], ready: [1, 1, 1, 1] };
  assert.equal(replicas(seen(columns)).bands?.length, 0);
  assert.equal(replicas(seen({ ...columns, target: [2, 2, 2, 2] })).bands?.length, 1);
});

test('what was only advised is no event on the axis', () => {
  const entry = (kind: string, action: string, done?: string): JournalEntryView =>
    ({ at: now, kind, action, reason: 'r', details: { done: { kind: done } } }) as unknown as JournalEntryView;
  const marks = marksOf([
    entry('decision', '1 → 2', 'moved'),
    entry('decision', 'advise 2 → 1', 'advised'),
    entry('mode', 'auto'),
    entry('replica', 'ready'),
  ]);
  assert.deepEqual(
    marks.map(({ shape }) => shape),
    ['up', 'change'],
  );
});

test('a chart is told in a sentence, and read at any point', () => {
  const model = requests(
    seen({ arrivals: [2, 20, 4, 4], completed: [2, 2, 2, 2], shed: [0, 0, 0, 0], failed: [0, 0, 0, 0] }),
  );
  assert.match(
    sentence(model, 'UTC'),
    /^Requests from 14:05:07 to 14:05:13 UTC\. offered: last 2 req\/s, highest 10 req\/s at 14:05:09/,
  );
  assert.match(sentence(requests({ ...seen({}), series: series({}, 0) }), 'UTC'), /nothing was recorded/);
  assert.equal(readOut(model, 1)[0]?.text, '10 req/s');
  assert.equal(trendOf([1, 1, 5, 5, 9, 9]), 'rising');
  assert.equal(trendOf([9, 9, 9, 9, 1, 1]), 'falling');
  assert.equal(trendOf([null, null, null]), 'unknown');
});

test('the nearest point is nearer than every other', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(10_000), { minLength: 1 }), fc.nat(10_000), (points, moment) => {
      const at = points.sort((a, b) => a - b);
      const best = Math.abs((at[nearest(at, moment)] as number) - moment);
      assert.equal(best, Math.min(...at.map((each) => Math.abs(each - moment))));
    }),
  );
  assert.equal(nearest([], 5), -1);
});
