/** That the simulated world is right: where there is a formula for what should come out, that comes out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mg1, mmc, sojournExceeds } from '../../core/queueing/formulas.ts';
import { seededRng } from '../../rng.ts';
import { arrivalsOf } from '../traffic/arrivals.ts';
import { shapedTraffic } from '../traffic/shapes.ts';
import { scaledTo } from '../traffic/traffic.ts';
import type { Distribution } from './distribution.ts';
import { serviceTables } from './service.ts';
import { World } from './world.ts';

interface Measured {
  readonly waitMs: number;
  readonly lateShare: number;
}

const serviceMs = 100;
const latencyMs = 300;

function simulate(servers: number, perSecond: number, spread: Distribution, seconds: number): Measured {
  const service = serviceTables({ curve: [{ rows: 1, ms: serviceMs }], spread, sizeMax: 1 });
  const traffic = scaledTo(shapedTraffic('constant', seconds), perSecond);
  const limits = { queueLengthMax: 1_000_000, latencyMs, deadlineMs: 1e9 };
  const world = new World({ service, ...limits }, arrivalsOf(traffic, 11), seededRng(12));
  for (let count = 0; count < servers; count += 1) world.open(0);
  let total = 0;
  world.onEnding = (arrivedAt, _, at) => {
    total += at - arrivedAt;
  };
  world.finish();
  return { waitMs: total / world.arrivals - serviceMs, lateShare: world.late / world.arrivals };
}

const within = (told: number, expected: number, share: number, what: string): void =>
  assert.ok(Math.abs(told / expected - 1) <= share, `${what}: ${told}, expected ${expected}`);

for (const [servers, perSecond] of [
  [1, 7],
  [4, 34],
  [18, 150],
] as const) {
  test(`${servers} replicas with exponential times wait as M/M/${servers} says`, () => {
    const queue = { servers, arrivalRate: perSecond / 1000, serviceRate: 1 / serviceMs };
    const { waitMs, lateShare } = simulate(servers, perSecond, { kind: 'exponential', mean: 1 }, 600_000 / perSecond);
    within(waitMs, mmc(queue).Wq, 0.06, 'mean wait');
    within(lateShare, sojournExceeds(queue, latencyMs), 0.05, 'share over the objective');
  });
}

test('one replica with times that are always the same, or scatter widely, waits as Pollaczek and Khinchine say', () => {
  const rate = 7;
  const expected = (scv: number): number => mg1(rate / 1000, serviceMs, scv).Wq;
  within(simulate(1, rate, { kind: 'fixed', mean: 1 }, 80_000).waitMs, expected(0), 0.04, 'fixed');
  within(simulate(1, rate, { kind: 'lognormal', mean: 1, cv: 1.2 }, 80_000).waitMs, expected(1.44), 0.08, 'lognormal');
});
