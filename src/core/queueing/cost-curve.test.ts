import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '../../rng.ts';
import {
  batchCap,
  beginCall,
  computeMs,
  createCostCurve,
  learnCost,
  learnedCapMax,
  learnOverhead,
  learnTail,
  learnWarmUp,
  serviceMs,
  type CostCurve,
} from './cost-curve.ts';

const curveOf = (points: readonly (readonly [rows: number, ms: number])[]): CostCurve => {
  const curve = createCostCurve();
  for (const [rows, ms] of points) learnWarmUp(curve, rows, ms, 0);
  return curve;
};

/** Runs the model under a load that always fills the cap, and gives the cap that it settles at. */
const settledCap = (curve: CostCurve, ms: (rows: number) => number): number => {
  for (let call = 0; call < 40; call += 1) {
    const rows = batchCap(curve, 64);
    beginCall(curve, rows);
    learnCost(curve, rows, ms(rows), call);
  }
  return batchCap(curve, 64);
};

// Figures of one core: milliseconds a call at 1, 2, 4, 8, 16 rows.
const tiny = [1, 2, 4, 8, 16].map((rows) => [rows, 0.0065 + rows * 0.0001] as const);
const mnistCnn = [
  [1, 0.161],
  [2, 0.262],
  [4, 0.455],
  [8, 0.93],
  [16, 1.82],
] as const;
const denseNet = [
  [1, 77],
  [2, 157],
  [4, 325],
  [8, 650],
  [16, 1280],
] as const;

test('a tiny model is batched as far as the cap can go', () => {
  const curve = curveOf(tiny);
  assert.equal(batchCap(curve, 64), 16);
  assert.equal(
    settledCap(curve, (rows) => 0.0065 + rows * 0.0001),
    64,
  );
});

test('a small convolutional network is batched to where its gain ends', () => {
  assert.equal(batchCap(curveOf(mnistCnn), 64), 4);
});

test('a large network that gains nothing is not batched', () => {
  const curve = curveOf(denseNet);
  assert.equal(batchCap(curve, 64), 1);
  assert.equal(
    settledCap(curve, (rows) => rows * 78),
    1,
  );
});

test('with nothing measured the cap is one, and live batches find the rest', () => {
  const curve = createCostCurve();
  assert.equal(batchCap(curve, 64), 1);
  assert.equal(computeMs(curve, 1), undefined);
  assert.equal(
    settledCap(curve, (rows) => 1 + rows * 0.01),
    64,
  );
});

test('what did not pay once is tried again from time to time', () => {
  const curve = curveOf([
    [1, 1],
    [2, 4],
  ]);
  assert.equal(batchCap(curve, 64), 1);
  for (let call = 0; call < 700; call += 1) {
    const rows = batchCap(curve, 64);
    beginCall(curve, rows);
    learnCost(curve, rows, 1 + rows * 0.1, call);
  }
  assert.ok(batchCap(curve, 64) > 1);
});

test('what is tried is tried by one call, however many begin before its end is known', () => {
  const curve = curveOf(denseNet);
  const tried = Array.from({ length: 100 }, () => {
    // Twelve replicas begin at once, and each could have any number of rows.
    const sizes = Array.from({ length: 12 }, () => {
      const rows = batchCap(curve, 64);
      beginCall(curve, rows);
      return rows;
    });
    sizes.forEach((rows, call) => learnCost(curve, rows, rows * 80, call));
    return sizes.filter((rows) => rows > 1).length;
  });
  assert.equal(Math.max(...tried), 1);
  const whole = tried.reduce((sum, count) => sum + count, 0);
  assert.ok(whole > 0 && whole <= 8, `${whole} of 1200 calls tried`);
});

test('a machine that slows down for all sizes does not move the cap', () => {
  const curve = curveOf(mnistCnn);
  for (let call = 0; call < 200; call += 1) {
    beginCall(curve, 4);
    learnCost(curve, 4, 0.91, call);
    assert.ok(batchCap(curve, 64) >= 2);
  }
});

interface Machine {
  /** The cost of a call of `rows` is rows to the power of 1 + this. */
  readonly penalty: number;
  /** Share of calls that are stalled and take five times as long. */
  readonly stalls: number;
}

/** Rows a unit of time under a load that always fills the cap, against single rows, on a machine that swings twofold. */
const throughput = (known: number, { penalty, stalls }: Machine): number => {
  let [rowsDone, time] = [0, 0];
  for (let seed = 0; seed < 20; seed += 1) {
    for (const period of [5, 30, 100]) {
      const chance = seededRng(seed * 1000 + period);
      const scatter = (): number => 0.85 + 0.3 * chance.next();
      const cost = (rows: number): number => 77 * rows ** (1 + penalty);
      const sizes = Array.from({ length: known }, (_, size) => 2 ** size);
      const curve = curveOf(sizes.map((rows) => [rows, cost(rows) * scatter()]));
      for (let call = 0; call < 300; call += 1) {
        const rows = batchCap(curve, 64);
        const speed = Math.floor(call / period) % 2 === 0 ? 1 : 2;
        beginCall(curve, rows);
        learnCost(curve, rows, cost(rows) * scatter() * speed * (chance.next() < stalls ? 5 : 1), call);
        rowsDone += rows;
        time += cost(rows);
      }
    }
  }
  return (77 * rowsDone) / time;
};

test('on a machine that swings and stalls, a network that loses by batching is hardly ever batched', () => {
  for (const known of [1, 2, 3]) {
    for (const stalls of [0, 0.02]) {
      const share = throughput(known, { penalty: 0.3, stalls });
      assert.ok(share > 0.95, `${share} of what single rows give, with ${known} sizes known and ${stalls} stalled`);
    }
  }
});

test('on such a machine a gain by batching is found all the same', () => {
  for (const known of [1, 2, 3]) {
    const share = throughput(known, { penalty: -0.15, stalls: 0.02 });
    assert.ok(share > 1.5, `${share} of what single rows give, with ${known} sizes known`);
  }
});

test('between two measured sizes the estimate is a straight line, and beyond the last in proportion', () => {
  const curve = curveOf([
    [1, 10],
    [4, 40],
    [8, 60],
  ]);
  assert.deepEqual(
    [1, 2, 4, 6, 8, 16].map((rows) => computeMs(curve, rows)),
    [10, 20, 40, 50, 60, 120],
  );
});

test('an estimate is trusted while it is fresh', () => {
  const curve = curveOf([[1, 10]]);
  assert.equal(serviceMs(curve, 1, 'tensors', 2000), 10);
  assert.equal(serviceMs(curve, 1, 'tensors', 2001), undefined);
});

const anyCurve = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0, max: 1000, noNaN: true })), { maxLength: 40 })
  .map((measured) => {
    const curve = createCostCurve();
    measured.forEach(([rows, ms], at) => {
      beginCall(curve, rows);
      learnCost(curve, rows, ms, at);
    });
    return curve;
  });

test('the cap is at least one, at most sizeMax, and never falls when sizeMax grows', () => {
  fc.assert(
    fc.property(anyCurve, fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 128 }), (curve, a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      assert.ok(batchCap(curve, low) >= 1 && batchCap(curve, low) <= low);
      assert.ok(batchCap(curve, low) <= batchCap(curve, high));
    }),
  );
});

test('an estimate is a finite time, never negative, whatever was measured', () => {
  fc.assert(
    fc.property(anyCurve, fc.integer({ min: 0, max: 300 }), (curve, rows) => {
      const ms = computeMs(curve, rows);
      assert.ok(ms === undefined || (Number.isFinite(ms) && ms >= 0));
    }),
  );
});

test('the tail covers nine of ten calls, is one where calls take what is expected, and is bounded', () => {
  const random = mulberry(7);
  const steady = createCostCurve();
  const uneven = createCostCurve();
  let within = 0;
  for (let call = 0; call < 4000; call += 1) {
    learnTail(steady, 1);
    const ratio = 0.5 + random();
    if (call >= 1000 && ratio <= uneven.tail) within += 1;
    learnTail(uneven, ratio);
  }
  assert.equal(steady.tail, 1);
  assert.ok(Math.abs(within / 3000 - 0.9) < 0.03, `${within} of 3000`);
  for (const ratio of [1e9, Number.NaN, -1, Infinity])
    for (let call = 0; call < 50; call += 1) learnTail(uneven, ratio);
  assert.equal(uneven.tail, 2);
});

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the way to a replica and back counts once a call, so that small networks share calls that alone would not pay', () => {
  const settled = (way: number, oneMs: number): number => {
    const curve = createCostCurve();
    learnWarmUp(curve, 1, oneMs, 0);
    learnWarmUp(curve, 2, oneMs * 1.95, 0);
    learnWarmUp(curve, 4, oneMs * 3.9, 0);
    learnOverhead(curve, 'tensors', way);
    return batchCap(curve, learnedCapMax);
  };
  assert.equal(settled(0, 0.2), 1);
  assert.equal(settled(0.3, 0.2), 4);
  assert.equal(settled(30, 200), 1, 'a way that long is mostly the size of its bytes');
});
