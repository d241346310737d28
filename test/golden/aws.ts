/** The table of AWS scaling: steps, rounding, warm-up, target tracking, several policies. */
import assert from 'node:assert/strict';
import {
  combineWishes,
  stepScale,
  trackTarget,
  wholeChange,
  type StepAdjustment,
  type StepPolicy,
  type Wish,
} from '../../src/core/scaling/policies/aws-rules.ts';
import { check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

type StepCase = StepPolicy & {
  readonly capacity: number;
  readonly min: number;
  readonly max: number;
  readonly metric: number;
  readonly expected: { readonly capacity: number };
};

export async function runAws(table: Table): Promise<TableResult> {
  return runChecks(table, {
    step: check<StepCase>((golden) => {
      const capacity = { warm: golden.capacity, warming: 0 };
      assert.equal(stepScale(golden, capacity, golden, golden.metric), golden.expected.capacity);
    }),
    rounding: check<{ value: number; expected: number }>(({ value, expected }) =>
      assert.equal(wholeChange(value) + 0, expected),
    ),
    warmup: check<{
      steps: readonly StepAdjustment[];
      threshold: number;
      capacityWarm: number;
      warming: number;
      metric: number;
      expected: { capacity: number };
    }>(({ steps, threshold, capacityWarm, warming, metric, expected }) => {
      const policy: StepPolicy = {
        threshold,
        direction: 'out',
        adjustmentType: 'PercentChangeInCapacity',
        steps,
        minAdjustmentMagnitude: null,
      };
      const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
      assert.equal(stepScale(policy, { warm: capacityWarm, warming }, bounds, metric), expected.capacity);
    }),
    targetTrackingOut: check<{
      capacity: number;
      metric: number;
      target: number;
      expected: { wanted: number; scaleOut: boolean };
    }>(({ capacity, metric, target, expected }) => {
      const wanted = trackTarget(capacity, metric, target);
      assert.deepEqual([wanted, wanted > capacity], [expected.wanted, expected.scaleOut]);
    }),
    multiplePolicies: check<{
      capacity: number;
      proposals: readonly (readonly [Wish['direction'], number])[];
      expected: readonly [string, number];
    }>(({ capacity, proposals, expected }) => {
      const wishes = proposals.map(([direction, wanted]) => ({ direction, capacity: wanted }));
      const wish = combineWishes(capacity, wishes);
      assert.deepEqual([wish.direction, wish.capacity], expected);
    }),
  });
}
