import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reconcile } from '../scaling/reconcile.ts';
import { observe } from '../../testing/observations.ts';
import { claimOf, isReached, stepTo } from './step.ts';

test('law: a step goes its way or nowhere, no further than it says, and not past the bounds', () => {
  const bounds = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 20 }));
  fc.assert(
    fc.property(fc.nat(30), fc.integer({ min: -10, max: 10 }), bounds, (from, by, [min, span]) => {
      const max = min + span;
      const to = stepTo(from, by, min, max);
      assert.ok(by >= 0 ? to >= from && to <= from + by : to <= from && to >= from + by);
      if (from >= Math.max(1, min) && from <= max) assert.ok(to >= Math.max(1, min) && to <= max);
    }),
  );
});

test('out is a floor, in is a ceiling, and a floor outranks a ceiling', () => {
  const step = { playbook: 'more', deployment: 'd', because: 'Slow fires' };
  const out = claimOf({ ...step, from: 2, to: 4 });
  const inwards = claimOf({ ...step, playbook: 'less', from: 5, to: 1 });
  assert.deepEqual(out, { by: 'playbook more (Slow fires)', min: 4 });
  assert.deepEqual(inwards, { by: 'playbook less (Slow fires)', max: 1 });
  const seen = observe({ fleet: { target: 2 }, max: 20 });
  const wish = (target: number, doubt?: string) => [
    { kind: 'proposed' as const, policy: 'p', proposal: { target, reason: () => '', doubt } },
  ];
  for (const claims of [
    [out, inwards],
    [inwards, out],
  ])
    assert.equal(reconcile(wish(3), [], claims, seen).target, 4);
  assert.equal(reconcile(wish(2), [], [inwards], seen).target, 1);
  assert.equal(reconcile(wish(2, 'nobody knows'), [], [inwards], seen).target, 2);
  assert.equal(isReached({ from: 2, to: 4 }, 4), true);
  assert.equal(isReached({ from: 2, to: 4 }, 3), false);
  assert.equal(isReached({ from: 5, to: 1 }, 0), true);
});
