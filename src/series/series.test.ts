/** Series under a virtual clock: what was recorded, what was idle and what nobody saw stay three things, at any step. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openMemorySeries } from '../testing/memory-series.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { columns, idleRow, type Column, type Held, type Row } from './columns.ts';
import { openSeries, type Series, type SeriesRetention } from './open-series.ts';
import type { SeriesLog } from './series-log.ts';
import { inSteps } from './stretch.ts';

const held: Held = { ready: 2, starting: 0, target: 2 };
const fleet = new Map([['digits', held]]);
const rowOf = (arrivals: number, more: Partial<Row> = {}): Row => ({ ...idleRow(held), arrivals, ...more });
const keep: SeriesRetention = { fineMs: 86_400_000, coarseMs: 2_592_000_000, bytesMax: 1e12 };
const dayMs = 86_400_000;
const hourMs = 3_600_000;

function world(log: SeriesLog = openMemorySeries()) {
  const clock = createVirtualClock();
  // The virtual clock begins in the middle of an hour: these begin at a whole day.
  clock.pass(dayMs - (clock.wall() % dayMs));
  return { clock, log, start: clock.wall(), series: openSeries(log, clock) };
}

async function readOne(series: Series, from: number, to: number, stepMs = 1000, column: Column = 'arrivals') {
  const read = await series.read({ deployment: 'digits', from, to, stepMs, columns: [column] });
  return [...(read.values.get(column) ?? [])].map((value) => (Number.isNaN(value) ? null : value));
}

test('idle is zero, what nobody saw is nothing, also before it is written', async () => {
  const { clock, series, start } = world();
  for (const [second, arrivals] of [
    [0, 5],
    [1, undefined],
    [2, 7],
    [6, undefined],
  ] as const)
    series.record(start + second * 1000, fleet, new Map(arrivals === undefined ? [] : [['digits', rowOf(arrivals)]]));
  const expected = [5, 0, 7, null, null, null, 0, null];
  assert.deepEqual(await readOne(series, start, start + 8000), expected);
  clock.pass(10_000);
  await series.flushed();
  assert.deepEqual(await readOne(series, start, start + 8000), expected);
  assert.deepEqual(await readOne(series, start, start + 8000, 1000, 'p99Ms'), Array(8).fill(null));
  assert.deepEqual(await readOne(series, start, start + 8000, 1000, 'target'), [2, 2, 2, null, null, null, 2, null]);
  assert.deepEqual(await readOne(series, start, start + 8000, 4000), [12, 0]);
  const { recordedMs } = await series.read({
    deployment: 'digits',
    from: start,
    to: start + 8000,
    stepMs: 4000,
    columns: [],
  });
  assert.deepEqual([...recordedMs], [3000, 1000]);
});

test('one that is new, and one that is gone, are not idle at other times', async () => {
  const { series, start } = world();
  series.record(start, new Map(), new Map());
  series.record(start + 1000, fleet, new Map());
  series.record(start + 2000, new Map(), new Map());
  await series.flushed();
  assert.deepEqual(await readOne(series, start, start + 3000), [null, 0, null]);
});

test('a restart goes on where the log is; what waited for a write at a kill is not recorded', async () => {
  const { clock, log, start, series } = world();
  series.record(start, fleet, new Map([['digits', rowOf(1)]]));
  await series.flushed();
  series.record(start + 1000, fleet, new Map([['digits', rowOf(2)]]));
  // Killed here.
  const again = openSeries(log, clock);
  again.record(start + 3000, fleet, new Map([['digits', rowOf(4)]]));
  assert.deepEqual(await readOne(again, start, start + 4000), [1, null, null, 4]);
  await again[Symbol.asyncDispose]();
  assert.deepEqual(await readOne(openSeries(log, clock), start, start + 4000), [1, null, null, 4]);
});

test('what the disk refuses is not recorded, and what comes after it is', async () => {
  const memory = openMemorySeries();
  let full = true;
  const log: SeriesLog = {
    ...memory,
    append: (...given) => (full ? Promise.reject(new Error('the disk is full')) : memory.append(...given)),
  };
  const { series, start } = world(log);
  series.record(start, fleet, new Map([['digits', rowOf(1)]]));
  await series.flushed();
  full = false;
  series.record(start + 1000, fleet, new Map());
  await series.flushed();
  assert.deepEqual(await readOne(series, start, start + 2000), [null, 0]);
});

test('hours that are over become minutes that say the same, and the seconds go after their time', async () => {
  const { clock, log, series, start } = world();
  // Busy in the first minute, idle to the end of the third; nobody looked in the second half of the fourth.
  for (let second = 0; second < 210; second += 1) {
    const row = rowOf(second, { p99Ms: second, inFlight: 1, queued: second % 7 });
    series.record(start + second * 1000, fleet, new Map(second < 60 ? [['digits', row]] : []));
    clock.pass(1000);
  }
  clock.pass(2 * hourMs);
  await series.flushed();
  const before = await readOne(series, start, start + 5 * 60_000, 60_000);
  assert.deepEqual(before, [(59 * 60) / 2, 0, 0, 0, null]);
  await series.tidy(keep);
  await series.tidy(keep);
  assert.deepEqual([await log.segments('fine'), await log.segments('coarse')], [[start], [start]]);
  clock.pass(25 * hourMs);
  await series.tidy(keep);
  assert.deepEqual(await log.segments('fine'), []);
  assert.deepEqual(await readOne(series, start, start + 5 * 60_000, 60_000), before);
  assert.deepEqual(await readOne(series, start, start + 60_000, 60_000, 'p99Ms'), [59]);
  assert.deepEqual(await readOne(series, start, start + 60_000, 60_000, 'queued'), [6]);
  const read = await series.read({
    deployment: 'digits',
    from: start,
    to: start + 300_000,
    stepMs: 60_000,
    columns: [],
  });
  assert.deepEqual([...read.recordedMs], [60_000, 60_000, 60_000, 30_000, 0]);
  // Seconds of that time are gone, and are not made up.
  assert.deepEqual(await readOne(series, start, start + 3000), [null, null, null]);
  assert.equal(await series.since(), start);
  clock.pass(31 * dayMs);
  await series.tidy(keep);
  assert.deepEqual(await log.segments('coarse'), []);
  assert.equal(await series.since(), undefined);
});

test('over its bytes the oldest seconds go, then the oldest minutes, and never what is being written', async () => {
  const { clock, log, series, start } = world();
  for (let hour = 0; hour < 4; hour += 1) {
    series.record(start + hour * hourMs, fleet, new Map([['digits', rowOf(1)]]));
    await series.flushed();
    clock.pass(hourMs);
  }
  clock.pass(-1);
  const one = await log.bytes('fine', start);
  await series.tidy({ ...keep, bytesMax: one * 6 });
  const left = await log.segments('fine');
  assert.ok(left.length < 4 && left.at(-1) === start + 3 * hourMs, String(left.length));
  await series.tidy({ ...keep, bytesMax: 0 });
  assert.deepEqual(await log.segments('fine'), [start + 3 * hourMs]);
  assert.deepEqual(await log.segments('coarse'), [start]);
});

test('no step loses a count, and what is covered is what was recorded', async () => {
  const seconds = fc.array(fc.option(fc.nat(50), { nil: undefined, freq: 2 }), { minLength: 1, maxLength: 110 });
  await fc.assert(
    fc.asyncProperty(seconds, fc.constantFrom(1, 2, 5, 7, 30, 60, 120), async (given, factor) => {
      const { series, start } = world();
      given.forEach((arrivals, second) => {
        if (arrivals === undefined) return;
        series.record(start + second * 1000, fleet, new Map(arrivals === 0 ? [] : [['digits', rowOf(arrivals)]]));
      });
      await series.flushed();
      const stepMs = factor * 1000;
      const to = start + given.length * 1000;
      const read = await series.read({ deployment: 'digits', from: start, to, stepMs, columns: ['arrivals'] });
      const recorded = given.filter((one) => one !== undefined);
      const sum = (values: Iterable<number>): number =>
        [...values].reduce((total, value) => total + (Number.isNaN(value) ? 0 : value), 0);
      assert.equal(sum(read.values.get('arrivals') ?? []), sum(recorded));
      assert.equal(sum(read.recordedMs), recorded.length * 1000);
      read.recordedMs.forEach((ms, step) => {
        assert.equal(ms === 0, Number.isNaN(read.values.get('arrivals')?.[step]));
      });
      const fine = await series.read({ deployment: 'digits', from: start, to, stepMs: 1000, columns: ['arrivals'] });
      if (stepMs < 60_000 && start % stepMs === 0) assert.deepEqual(inSteps(fine, factor).values, read.values);
    }),
    { numRuns: 60 },
  );
});

test('what hours say and what their minutes say is the same, whatever happened in them, and however often they are made', async () => {
  const second = fc.record({ at: fc.nat(2 * 3600 - 1), arrivals: fc.nat(50) });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(second, { selector: ({ at }) => at, maxLength: 60 }),
      fc.boolean(),
      async (given, twice) => {
        const { clock, log, series, start } = world();
        for (const { at, arrivals } of given.toSorted((left, right) => left.at - right.at)) {
          series.record(start + at * 1000, fleet, new Map(arrivals === 0 ? [] : [['digits', rowOf(arrivals)]]));
          await series.flushed();
        }
        const query = { deployment: 'digits', from: start, to: start + 2 * hourMs, stepMs: 300_000, columns } as const;
        const before = await series.read(query);
        clock.pass(3 * hourMs);
        if (twice) await series.tidy(keep);
        await series.tidy({ ...keep, fineMs: 0 });
        assert.deepEqual(await log.segments('fine'), []);
        assert.deepEqual(await series.read(query), before);
      },
    ),
    { numRuns: 25 },
  );
});

test('every column comes back as it was written, to a thousandth', async () => {
  const { series, start } = world();
  const number = fc.oneof(
    fc.nat(1e6),
    fc.constant(Number.NaN),
    fc.integer({ min: 0, max: 1e9 }).map((n) => n / 1000),
  );
  const rows = fc.array(fc.tuple(...columns.map(() => number)), { minLength: 1, maxLength: 20 });
  let at = start;
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      const from = at;
      for (const values of given) {
        const row = Object.fromEntries(columns.map((column, index) => [column, values[index]])) as Row;
        series.record(at, fleet, new Map([['digits', row]]));
        at += 1000;
      }
      await series.flushed();
      const read = await series.read({ deployment: 'digits', from, to: at, stepMs: 1000, columns });
      columns.forEach((column, index) => {
        assert.deepEqual(
          [...(read.values.get(column) ?? [])],
          given.map((values) => values[index]),
          column,
        );
      });
    }),
    { numRuns: 30 },
  );
});
