/** What a rehearsal draws from a latency model is what was measured: calls by their circumstances, starts by theirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyLatencyBook, noteCall } from '../../core/latency/book.ts';
import { latencyModel } from '../../core/latency/model.ts';
import { seededRng } from '../../rng.ts';
import { learnedService } from '../learned.ts';
import { Circumstances } from './circumstances.ts';
import { serviceTables } from './service.ts';
import { Starts } from './starts.ts';
import { World } from './world.ts';

const cell = (rows: number, restFromMs: number, likelyMs: readonly number[]) => ({
  rows,
  restFromMs,
  calls: 100,
  meanMs: likelyMs.reduce((sum, ms) => sum + ms, 0) / likelyMs.length,
  likelyMs,
});

test('a call takes what was measured in its circumstances, and its nearest neighbour’s where nothing was', () => {
  const calls = new Circumstances(
    {
      service: [cell(1, 0, [200, 400]), cell(1, 100, [100, 120])],
      busy: [
        { from: 1, calls: 9, factor: 1 },
        { from: 3, calls: 9, factor: 1.5 },
      ],
      nth: [{ from: 1, calls: 9, factor: 3 }],
    },
    Float64Array.of(0, 205, 410),
  );
  assert.equal(calls.draw(1, 0, 1, 50, 0.2), 200);
  assert.equal(calls.draw(1, 0, 1, 50, 0.7), 400);
  assert.equal(calls.draw(1, 5000, 1, 50, 0.7), 120);
  assert.equal(calls.draw(1, 50, 1, 50, 0.2), 200, 'a rest that was never seen');
  assert.equal(calls.draw(1, 0, 8, 50, 0.2), 300, 'the company of fewer stands for that of more');
  assert.equal(calls.draw(1, 0, 1, 1, 0.2), 600);
  assert.equal(calls.draw(2, 0, 1, 50, 0.2), 400, 'two rows as the cost curve says');
});

test('starts are drawn from those that began most alike, ends from all', () => {
  const start = (before: number, beside: number, startMs: number) => ({
    before,
    beside,
    decideMs: 0,
    startMs,
    loadMs: 0,
    warmMs: 0,
    serveMs: 0,
  });
  const measured = [
    ...Array.from({ length: 8 }, () => start(0, 0, 50)),
    ...Array.from({ length: 8 }, () => start(5, 9, 900)),
  ];
  const starts = new Starts({ starts: measured, stopsMs: [7] }, seededRng(1));
  assert.deepEqual([starts.draw(0, 1), starts.draw(6, 9), starts.drawStop()], [50, 900, 7]);
});

test('a world made of a learned model answers as what it was learned from', () => {
  const rng = seededRng(3);
  const book = emptyLatencyBook('v', 0);
  // As under a quota: what comes right after another call takes longer.
  const truth = (restMs: number): number => (restMs < 10 ? 180 : 110) * (0.8 + 0.4 * rng.next());
  for (let count = 0; count < 5000; count += 1) {
    const restMs = count % 2 === 0 ? 0 : 500;
    noteCall(book, { rows: 1, restMs, busy: 1, nth: 100, ms: truth(restMs) });
  }
  const learned = learnedService(latencyModel(book));
  assert.ok(learned !== undefined);
  const meanOf = (gapMs: number): number => {
    const times = Float64Array.from({ length: 2000 }, (_, index) => (index + 1) * gapMs);
    let isSent = false;
    const source = {
      take(into: Float64Array): number {
        if (isSent) return 0;
        isSent = true;
        into.set(times);
        return times.length;
      },
    };
    const settings = { queueLengthMax: 64, latencyMs: 1000, deadlineMs: 60_000 };
    const world = new World({ service: serviceTables(learned), ...settings }, source, seededRng(5));
    world.open(0);
    world.advance(2001 * gapMs + 1000);
    assert.equal(world.ended, 2000);
    return world.endedMs / world.endedRows;
  };
  assert.ok(Math.abs(meanOf(1000) / 110 - 1) < 0.03, 'alone');
  // At 181 ms apart nearly each finds the replica at work or just done.
  assert.ok(Math.abs(meanOf(181) / 180 - 1) < 0.05, 'one after another');
});

test('a queue that jumps stops the world at that moment, once a tenth of a second, and only for who looks', () => {
  const times = Float64Array.from({ length: 20 }, (_, index) => 500 + index);
  let isSent = false;
  const source = {
    take(into: Float64Array): number {
      if (isSent) return 0;
      isSent = true;
      into.set(times);
      return times.length;
    },
  };
  const service = serviceTables({ curve: [{ rows: 1, ms: 1000 }], spread: { kind: 'fixed', mean: 1 }, sizeMax: 1 });
  const world = new World({ service, queueLengthMax: 64, latencyMs: 1000, deadlineMs: 60_000 }, source, seededRng(1));
  world.open(0);
  world.look(0);
  // One runs, one may wait for the one replica that there is: the third that comes is more.
  assert.equal(world.advance(1000), 502);
  assert.equal(world.waiting, 2);
  world.look(502);
  assert.equal(world.advance(1000), 1000);
  assert.equal(world.waiting, 19);
});
