/** The laws of what is learned of latency: means are kept, classes are told apart, and nothing grows without bound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '../../rng.ts';
import { emptyLatencyBook, isLatencyBook, noteCall, noteStarted, type CallSample } from './book.ts';
import { busyClassOf, busyFromOf, callClassOf, restClassOf, rowClassOf } from './classes.ts';
import { latencyModel } from './model.ts';
import { addTime, fade, likelyMs, meanMs, noTimes } from './times.ts';

const times = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });
const near = (value: number, expected: number, share: number): boolean => Math.abs(value / expected - 1) <= share;

test('likely values have the mean of what was added, ascend, and hit each quantile to the width of a bucket', () => {
  fc.assert(
    fc.property(times, (all) => {
      const kept = noTimes();
      for (const ms of all) addTime(kept, ms, 1);
      assert.ok(near(meanMs(kept), all.reduce((sum, ms) => sum + ms, 0) / all.length, 1e-9));
      const values = likelyMs(kept, 128);
      assert.ok(near(values.reduce((sum, ms) => sum + ms, 0) / 128, meanMs(kept), 1e-9));
      assert.ok(values.every((value, index) => index === 0 || value >= (values[index - 1] as number)));
    }),
  );
  const even = noTimes();
  for (let ms = 1; ms <= 1000; ms += 1) addTime(even, ms, 1);
  for (const share of [0.1, 0.5, 0.9, 0.99])
    assert.ok(near(likelyMs(even, 128)[Math.floor(share * 128)] as number, share * 1000, 0.05), String(share));
});

test('what fades keeps its mean', () => {
  fc.assert(
    fc.property(times, (all) => {
      const kept = noTimes();
      for (const ms of all) addTime(kept, ms, 1);
      const [mean, weight] = [meanMs(kept), kept.weight];
      fade(kept, 0.5);
      assert.ok(near(meanMs(kept), mean, 1e-9) && near(kept.weight, weight / 2, 1e-9));
    }),
  );
});

test('classes never go back as what they are of grows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat(500), (low, more) => {
      for (const classOf of [rowClassOf, restClassOf, busyClassOf, callClassOf])
        assert.ok(classOf(low) <= classOf(low + more));
      assert.ok(busyFromOf(busyClassOf(low)) <= low);
    }),
  );
});

const call = (more: Partial<CallSample>): CallSample => ({ rows: 1, restMs: 0, busy: 1, nth: 100, ms: 100, ...more });

test('it tells rest, rows, company and youth apart although each call has all four', () => {
  const book = emptyLatencyBook('v', 0);
  const rng = seededRng(7);
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(rng.next() * values.length)] as Value;
  for (let count = 0; count < 20_000; count += 1) {
    const [rows, restMs, busy, nth] = [pick([1, 8]), pick([0, 500]), pick([1, 2, 8]), pick([1, 50, 80, 90, 99])];
    const mean = (rows === 1 ? 100 : 400) * (restMs === 0 ? 1.5 : 1) * (busy === 8 ? 1.4 : 1) * (nth === 1 ? 3 : 1);
    noteCall(book, { rows, restMs, busy, nth, ms: mean * (0.5 + rng.next()) });
  }
  const model = latencyModel(book);
  assert.equal(model.calls, 20_000);
  const factorOf = (of: typeof model.busy, from: number): number =>
    of.find((one) => one.from === from)?.factor ?? Number.NaN;
  const meanOf = (rows: number, from: number): number =>
    model.service.find((one) => one.rows === rows && one.restFromMs === from)?.meanMs ?? Number.NaN;
  assert.ok(near(factorOf(model.nth, 1), 3, 0.05));
  assert.ok(near(factorOf(model.busy, 5) / factorOf(model.busy, 1), 1.4, 0.05));
  assert.ok(near(meanOf(1, 0) / meanOf(1, 100), 1.5, 0.05));
  assert.ok(near(meanOf(8, 0) / meanOf(1, 0), 4, 0.05));
  assert.ok(near(meanOf(1, 100) * factorOf(model.busy, 1), 100, 0.05));
});

test('whatever calls come, the book stays small, finite, and the same after it was written and read', () => {
  const odd = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e4, noNaN: true }));
  const calls = fc.array(fc.record({ rows: odd, restMs: odd, busy: odd, nth: odd, ms: odd }), { maxLength: 200 });
  fc.assert(
    fc.property(calls, (all) => {
      const book = emptyLatencyBook('v', 0);
      for (const one of all) noteCall(book, one);
      for (let count = 0; count < 200; count += 1)
        noteStarted(book, { before: 0, beside: 0, decideMs: 0, startMs: count, loadMs: 0, warmMs: 0, serveMs: 0 });
      assert.ok(book.cells.length <= 33 && book.starts.length === 128);
      const read: unknown = JSON.parse(JSON.stringify(book));
      assert.ok(isLatencyBook(read));
      const model = latencyModel(read);
      assert.deepEqual(model, latencyModel(book));
      assert.ok(
        model.service.every(({ meanMs: mean, likelyMs: likely }) => mean >= 0 && likely.every(Number.isFinite)),
      );
    }),
    { examples: [[[{ rows: Infinity, restMs: 0, busy: 1, nth: 1, ms: 1 }]]] },
  );
  assert.equal(isLatencyBook({ key: 'v' }), false);
});

test('beyond its weight a book follows what is measured now', () => {
  const book = emptyLatencyBook('v', 0);
  for (let count = 0; count < 40_000; count += 1) noteCall(book, call({ ms: count < 20_000 ? 100 : 200 }));
  const [one] = latencyModel(book).service;
  assert.ok((one?.meanMs ?? 0) > 150, String(one?.meanMs));
  assert.ok((one?.calls ?? Infinity) <= 16_384);
});
