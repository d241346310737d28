import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noCurve } from './capacity-curve.ts';
import { signalNames } from './load-signals.ts';
import { advance, shadows, wishOf, type World } from './shadows.ts';
import { multipliers, wayOf } from './ways.ts';

const world: World = {
  patience: 0.4,
  endurance: 0.9,
  least: 1,
  cap: 40,
  slack: 0.9,
  startPrice: 10,
  turning: 0,
  curve: noCurve,
};
const lag = 10;
const holds = [10, 40];
const loads = fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { minLength: 1, maxLength: 120 });

/** All signals are the load itself: what is tested is what the shadows make of it. */
function play(load: readonly number[], rules: World = world) {
  const all = shadows(lag, holds);
  for (const each of load) advance(all, each, new Float64Array(signalNames.length).fill(each), rules);
  return all;
}

/** One shadow by itself, with all its orders remembered. */
function dumb(load: readonly number[], index: number): { late: number; cost: number; queue: number } {
  const { hold, multiplier } = wayOf(holds, index);
  const orders: number[] = [];
  let [queue, late, cost] = [0, 0, 0];
  for (const [second, each] of load.entries()) {
    const held = Math.max(...load.slice(Math.max(0, second - hold + 1), second + 1));
    const order = wishOf(held, multiplier, world);
    const ready = second === 0 ? order : Math.min(...orders.slice(-lag - 1));
    // In hundredths of a second, so that nothing has to be known of where a line crosses another.
    const fine = 1000;
    let [level, above] = [queue, 0];
    for (let step = 0; step < fine; step += 1) {
      level = Math.max(0, level + (each - ready) / fine);
      if (level > world.patience * ready) above += 1;
    }
    if (second >= 2 * lag) late += (each * above) / fine;
    queue = Math.min(level, world.endurance * ready);
    cost += order + Math.max(0, order - (orders.at(-1) ?? 0)) * world.startPrice;
    orders.push(order);
  }
  return { late, cost, queue };
}

test('a shadow agrees with a fleet that is simulated by itself', () => {
  fc.assert(
    fc.property(loads, fc.integer({ min: 0, max: 319 }), (load, index) => {
      const all = play(load);
      const single = dumb(load, index);
      // Evidence grows by 4·10⁻⁶ a second. A queue that would exceed what is endured counts no more below it.
      assert.ok(Math.abs((all.cost[index] as number) - single.cost) <= 1e-3 * single.cost);
      assert.ok(Math.abs((all.queues[index] as number) - single.queue) <= 0.05);
      assert.ok(Math.abs((all.late[index] as number) - single.late) <= 0.01 * all.work + 0.05 * load.length);
    }),
    { numRuns: 100 },
  );
});

test('what nobody could have done anything about is held against nobody: lateness counts from two lags on', () => {
  const all = play([1, ...Array<number>(2 * lag - 1).fill(30)]);
  assert.ok(all.late.every((late) => late === 0));
  assert.equal(all.work, 0);
  assert.ok(
    all.queues.some((queue) => queue > 0),
    'but it waits',
  );
  advance(all, 30, new Float64Array(signalNames.length).fill(30), world);
  assert.ok(Math.abs(all.work - 30) < 0.01);
  assert.ok(
    all.cost.every((cost) => cost > 0),
    'what is held costs from the first second',
  );
});

test('of two multipliers on one signal the larger is never later and never cheaper', () => {
  fc.assert(
    fc.property(loads, (load) => {
      const all = play(load);
      for (let index = 0; index + 1 < all.late.length; index += 1) {
        if (index % multipliers.length === multipliers.length - 1) continue;
        assert.ok((all.late[index] as number) >= (all.late[index + 1] as number) - 1e-9);
        assert.ok((all.targets[index] as number) <= (all.targets[index + 1] as number));
      }
    }),
    { numRuns: 50 },
  );
});

test('a surplus that is held back makes no shadow later, and spares it turns', () => {
  fc.assert(
    fc.property(loads, (load) => {
      const [eager, patient] = [play(load), play(load, { ...world, turning: 8 })];
      for (let index = 0; index < eager.late.length; index += 1) {
        assert.ok((patient.late[index] as number) <= (eager.late[index] as number) + 1e-9);
        assert.ok((patient.targets[index] as number) >= (eager.targets[index] as number));
      }
    }),
    { numRuns: 50 },
  );
});

test('old evidence fades with a half-life of two days, and the figures stay small', () => {
  const all = shadows(150, [50, 150]);
  const signals = new Float64Array(signalNames.length);
  const days = (count: number, load: number): void => {
    for (let tick = 0; tick < (count * 86_400) / all.tick; tick += 1)
      advance(all, load * all.tick, signals.fill(Math.min(load, 10)), world);
  };
  days(2, 20);
  const late = (all.late[3] as number) / all.work;
  days(2, 10);
  // Twice the load and half the weight: as much work, half of it late.
  assert.ok(Math.abs((all.late[3] as number) / all.work / late - 0.5) < 0.01);
  // As after 40 days: all is brought back, and says the same.
  const share = (): number => (all.late[3] as number) / all.work;
  const before = share();
  const heavier = 2 ** 20 / all.weight;
  all.late[3] = (all.late[3] as number) * heavier;
  all.work *= heavier;
  all.weight *= heavier;
  days(all.tick / 86_400, 10);
  assert.equal(all.weight, 1);
  assert.ok(all.work < 1e8 && Math.abs(share() / before - 1) < 1e-3);
});
