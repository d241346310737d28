import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { learnedLag, learnedService } from './learned.ts';
import { meanOf } from './world/distribution.ts';
import { serviceTables } from './world/service.ts';

const cell = (rows: number, calls: number, likelyMs: readonly number[], restFromMs = 0) => ({
  rows,
  restFromMs,
  calls,
  meanMs: likelyMs.reduce((sum, ms) => sum + ms, 0) / likelyMs.length,
  likelyMs,
});

test('calls of one size are one point, by their number, and what scatters between them scatters', () => {
  const service = learnedService({ cap: 1, service: [cell(1, 30, [100, 140]), cell(1, 10, [40], 100)] });
  assert.ok(service !== undefined);
  assert.deepEqual(service.curve, [{ rows: 1, ms: 100 }]);
  assert.ok(service.spread.kind === 'quantiles');
  const { values } = service.spread;
  assert.ok(Math.abs((values[0] ?? 0) - 0.4) < 1e-9 && Math.abs((values.at(-1) ?? 0) - 1.4) < 1e-9);
  assert.equal(values.filter((value) => value < 0.5).length, 64);
  assert.equal(service.sizeMax, 1);
});

test('sizes become a cost curve of calls, and its mean is the measured one', () => {
  const batched = { cap: 4, service: [cell(1, 100, [10]), cell(2, 50, [12, 14]), cell(3.5, 20, [20, 22, 24])] };
  const service = learnedService(batched);
  assert.ok(service !== undefined);
  assert.deepEqual(service.curve, [
    { rows: 1, ms: 10 },
    { rows: 2, ms: 13 },
    { rows: 3.5, ms: 22 },
  ]);
  const tables = serviceTables(service);
  assert.equal(tables.cap, 4);
  assert.deepEqual([tables.ms[1], tables.ms[2]], [10, 13]);
});

test('a cap that is found out is found out in the rehearsal, too', () => {
  const cells = [cell(1, 100, [100]), cell(2, 20, [300])];
  const known = { cap: 2, service: cells };
  assert.equal(learnedService(known)?.sizeMax, 2);
  const service = learnedService({ ...known, capLearned: true });
  assert.ok(service?.sizeMax === 'auto');
  const costs = serviceTables(service).learning?.();
  assert.ok(costs !== undefined);
  assert.equal(costs.cap, 1, 'two rows in three times the time do not pay');
  const caps = Array.from({ length: 800 }, (_, call) => {
    const { cap } = costs;
    costs.begin(cap);
    costs.learn(cap, cap === 1 ? 100 : 110, call * 100);
    return cap;
  });
  assert.ok(Math.max(...caps.slice(-32)) >= 2, 'tried, and found to pay by now');
});

test('a factor stretches no call on average, whatever was measured', () => {
  const times = fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 128 });
  const cells = fc.array(fc.tuple(fc.integer({ min: 20, max: 1e5 }), times), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(cells, (given) => {
      const sorted = given.map(([calls, likely]) =>
        cell(
          1,
          calls,
          likely.toSorted((a, b) => a - b),
        ),
      );
      const service = learnedService({ cap: 1, service: sorted });
      assert.ok(service !== undefined && Math.abs(meanOf(service.spread) - 1) < 1e-9);
    }),
  );
});

test('too little is nothing, and starts are told whole, by all their stages', () => {
  assert.equal(learnedService({ cap: 1, service: [cell(1, 19, [100])] }), undefined);
  assert.equal(learnedLag({ starts: [] }), undefined);
  const start = { before: 0, beside: 0, decideMs: 1, startMs: 20, loadMs: 30, warmMs: 40, serveMs: 9 };
  const lag = learnedLag({ starts: [{ ...start, loadMs: 230 }, start] });
  assert.deepEqual(lag, { kind: 'quantiles', values: [100, 300] });
});
