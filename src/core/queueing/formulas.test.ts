import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  drainTime,
  emptyProbability,
  erlangB,
  erlangBInverse,
  erlangC,
  ggcWait,
  mg1,
  mmc,
  mmck,
  serversFor,
  serversToDrain,
  sojournExceeds,
  waitExceeds,
  waitQuantile,
} from './formulas.ts';

const queues = fc
  .record({ servers: fc.integer({ min: 1, max: 300 }), utilization: fc.double({ min: 0.01, max: 0.98, noNaN: true }) })
  .map(({ servers, utilization }) => ({ servers, arrivalRate: servers * utilization * 3, serviceRate: 3 }));

const close = (left: number, right: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(left - right) <= tolerance * Math.max(1, Math.abs(right)), `${left} is not ${right}`);

test('more servers never wait longer, more load never less', () => {
  fc.assert(
    fc.property(queues, (queue) => {
      const more = { ...queue, servers: queue.servers + 1 };
      const fuller = { ...queue, arrivalRate: queue.arrivalRate * 1.01 };
      assert.ok(mmc(more).Wq <= mmc(queue).Wq);
      assert.ok(mmc(fuller).Wq >= mmc(queue).Wq);
      assert.ok(waitExceeds(more, 0.1) <= waitExceeds(queue, 0.1));
    }),
  );
});

test('the quantile of the wait is where the tail says so', () => {
  fc.assert(
    fc.property(queues, fc.double({ min: 0.5, max: 0.9999, noNaN: true }), (queue, quantile) => {
      const wait = waitQuantile(queue, quantile);
      if (wait === 0) assert.ok(waitExceeds(queue, 0) <= 1 - quantile + 1e-12);
      else close(waitExceeds(queue, wait), 1 - quantile, 1e-9);
      assert.ok(sojournExceeds(queue, wait) >= waitExceeds(queue, wait) - 1e-12);
    }),
  );
});

test('sizing gives the fewest servers that keep the promise', () => {
  const loads = fc.double({ min: 0.1, max: 400, noNaN: true });
  fc.assert(
    fc.property(loads, fc.double({ min: 0, max: 1, noNaN: true }), (arrivalRate, waitLimit) => {
      const servers = serversFor(arrivalRate, 1, waitLimit, 0.01);
      assert.ok(waitExceeds({ servers, arrivalRate, serviceRate: 1 }, waitLimit) <= 0.01);
      assert.ok(waitExceeds({ servers: servers - 1, arrivalRate, serviceRate: 1 }, waitLimit) > 0.01);
    }),
  );
});

test('the special cases agree with the general ones', () => {
  fc.assert(
    fc.property(queues, (queue) => {
      const { servers, arrivalRate, serviceRate } = queue;
      const load = arrivalRate / serviceRate;
      close(ggcWait(queue, 1, 1), mmc(queue).Wq);
      // A loss of almost nothing no longer tells the load.
      if (erlangB(servers, load) > 1e-12) close(erlangBInverse(servers, erlangB(servers, load)), load, 1e-6);
      close(mmck(queue, servers).blocking, erlangB(servers, load));
      assert.ok(erlangC(servers, load) >= erlangB(servers, load));
      const one = { servers: 1, arrivalRate: 0.7, serviceRate: 1 };
      close(mg1(0.7, 1, 1).Wq, mmc(one).Wq);
      close(emptyProbability(one), 0.3);
      // Almost no loss: as good as an endless queue.
      if (load < servers * 0.5) close(mmck(queue, servers + 200).Wq, mmc(queue).Wq, 1e-6);
    }),
  );
});

test('overload has no equilibrium, and says so', () => {
  const queue = { servers: 2, arrivalRate: 2, serviceRate: 1 };
  assert.deepEqual(
    [mmc(queue).Wq, waitQuantile(queue, 0.5), drainTime(queue, 5), mg1(1, 1, 0).Wq],
    [Infinity, Infinity, Infinity, Infinity],
  );
  assert.deepEqual([waitExceeds(queue, 9), sojournExceeds(queue, 9), emptyProbability(queue)], [1, 1, 0]);
});

test('a backlog drains at the rate that is to spare', () => {
  assert.equal(drainTime({ servers: 4, arrivalRate: 3, serviceRate: 1 }, 10), 10);
  assert.equal(drainTime({ servers: 1, arrivalRate: 3, serviceRate: 1 }, 0), 0);
  assert.equal(serversToDrain(3, 1, 10, 10), 4);
});
