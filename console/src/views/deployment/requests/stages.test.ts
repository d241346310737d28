import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { stagesOf } from './stages.ts';

const ms = fc.double({ min: 0, max: 1e5, noNaN: true });
const maybe = fc.option(ms, { nil: undefined });

test('the stages add up to the total, whatever the parts say', () => {
  const times = { totalMs: ms, readMs: maybe, queueMs: ms, callMs: maybe, waitMs: maybe, inputMs: maybe };
  fc.assert(
    fc.property(fc.record({ ...times, computeMs: maybe }), (given) => {
      const stages = stagesOf(given);
      const sum = stages.reduce((total, stage) => total + stage.ms, 0);
      assert.ok(Math.abs(sum - given.totalMs) <= 1e-6 * Math.max(1, given.totalMs));
      assert.ok(stages.every((stage) => stage.ms > 0));
    }),
  );
});

test('what a call took beside computing is told apart from what the gateway took', () => {
  assert.deepEqual(stagesOf({ totalMs: 10, queueMs: 2, callMs: 6, computeMs: 5 }), [
    { name: 'queue', ms: 2 },
    { name: 'compute', ms: 5 },
    { name: 'way', ms: 1 },
    { name: 'rest', ms: 2 },
  ]);
});
