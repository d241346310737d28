/** When an error budget is used up too fast. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { burnWindows, judgeBurn, type Tally } from './burn.ts';

const [fast, slow] = burnWindows;
const over =
  (tallies: Readonly<Record<number, Tally>>) =>
  (ms: number): Tally =>
    tallies[ms] ?? { all: 0, bad: 0 };

test('both windows have to burn, the fast pair first', () => {
  const bad = { all: 1000, bad: 200 };
  const good = { all: 1000, bad: 0 };
  const fastOnly = judgeBurn(over({ [fast.longMs]: bad, [fast.shortMs]: bad }), 0.01);
  assert.deepEqual(fastOnly, { kind: 'burning', rate: 20, window: fast });
  assert.equal(judgeBurn(over({ [fast.longMs]: bad, [fast.shortMs]: good }), 0.01).kind, 'calm');
  const some = { all: 1000, bad: 80 };
  const slowly = judgeBurn(over({ [fast.longMs]: some, [slow.longMs]: some, [slow.shortMs]: some }), 0.01);
  assert.deepEqual(slowly, { kind: 'burning', rate: 8, window: slow });
});

test('a handful of requests, and none at all, say nothing', () => {
  assert.equal(judgeBurn(() => ({ all: 9, bad: 9 }), 0.001).kind, 'calm');
  assert.equal(judgeBurn(() => ({ all: 0, bad: 0 }), 0.001).kind, 'calm');
});

test('more that is bad never calms, a larger budget never alarms', () => {
  const burns = (all: number, bad: number, budget: number) =>
    judgeBurn(() => ({ all, bad }), budget).kind === 'burning';
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(5000),
      fc.nat(500),
      fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
      (all, bad, more, budget) => {
        const count = all + bad;
        if (burns(count, bad, budget)) assert.ok(burns(count, Math.min(count, bad + more), budget));
        if (burns(count, bad, budget * 2)) assert.ok(burns(count, bad, budget));
      },
    ),
  );
});
