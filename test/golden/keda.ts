/** The table of KEDA: fallback, formulas, activation, jobs. */
import assert from 'node:assert/strict';
import {
  activate,
  fallbackActive,
  idleOrMin,
  readWithFallback,
  targetAverage,
  triggerValue,
  type ActivationInput,
  type Fallback,
  type Health,
} from '../../src/core/scaling/policies/keda-rules.ts';
import {
  combineJobTriggers,
  decideJobs,
  effectiveMaxScale,
  type Jobs,
  type JobStrategy,
  type JobTrigger,
} from '../../src/core/scaling/policies/keda-jobs.ts';
import { compositeMetric } from '../../src/core/scaling/policies/formula.ts';
import { assertClose, check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

interface FallbackCase {
  readonly fallback: Fallback | null;
  readonly failuresBefore: number | null;
  readonly statusBefore: Health['status'] | null;
  readonly otherTriggerFailures: number | null;
  readonly metric: number | null;
  readonly targetAverageValue?: number;
  readonly targetValue?: number;
  readonly readyReplicas?: number;
  readonly currentReplicas: number | null;
  readonly expected: {
    readonly error?: boolean;
    readonly value?: number;
    readonly usesFallback?: boolean;
    readonly failuresAfter?: number;
    readonly statusAfter?: string;
    readonly fallbackCondition?: boolean;
  };
}

export async function runKeda(table: Table): Promise<TableResult> {
  return runChecks(table, {
    fallback: check<FallbackCase>((golden) => {
      const { fallback, failuresBefore, statusBefore, expected } = golden;
      const before = failuresBefore === null ? null : { failures: failuresBefore, status: statusBefore ?? 'Happy' };
      const target =
        golden.targetValue === undefined
          ? ({ kind: 'average', value: golden.targetAverageValue ?? 0 } as const)
          : ({ kind: 'value', value: golden.targetValue, readyReplicas: golden.readyReplicas ?? 0 } as const);
      const reading = readWithFallback(golden.metric, before, fallback, target, golden.currentReplicas ?? 0);
      assert.equal(reading.kind === 'error', expected.error === true);
      if (reading.kind === 'value') {
        assertClose(reading.value, expected.value ?? Number.NaN);
        if (expected.usesFallback !== undefined) assert.equal(reading.usesFallback, expected.usesFallback);
      }
      if (expected.failuresAfter !== undefined) assert.equal(reading.health.failures, expected.failuresAfter);
      if (expected.statusAfter !== undefined) assert.equal(reading.health.status, expected.statusAfter);
      if (expected.fallbackCondition !== undefined) {
        const failures = [reading.health.failures, golden.otherTriggerFailures ?? 0];
        assert.equal(fallbackActive(fallback, failures), expected.fallbackCondition);
      }
    }),
    triggerValue: check<
      Pick<Fallback, 'failureThreshold' | 'behavior'> & {
        value: number;
        failures: number | null;
        expected: number | null;
      }
    >((golden) => assert.equal(triggerValue(golden.value, golden.failures, golden), golden.expected)),
    formula: check<{
      formula: string;
      triggers: Readonly<Record<string, number | null>>;
      target?: number;
      fallbackReplicas?: number;
      expected: { value?: number; error?: boolean };
    }>(({ formula, triggers, target, fallbackReplicas, expected }) => {
      const fallback =
        target === undefined || fallbackReplicas === undefined ? undefined : { replicas: fallbackReplicas, target };
      const result = compositeMetric(formula, triggers, fallback);
      assert.equal(result.kind === 'error', expected.error === true, JSON.stringify(result));
      if (result.kind === 'value') assertClose(result.value ?? Number.NaN, expected.value ?? Number.NaN);
    }),
    targetAverage: check<{ targets: readonly number[]; expected: number }>(({ targets, expected }) =>
      assertClose(targetAverage(targets), expected),
    ),
    idleOrMin: check<{ idleReplicas: number | null; minReplicas: number | null; expected: object }>((golden) =>
      assert.deepEqual(idleOrMin(golden.idleReplicas, golden.minReplicas), golden.expected),
    ),
    jobStrategy: check<JobStrategy & Jobs & { expected: { maxScale: number; scaleTo?: number } }>((golden) => {
      const result = effectiveMaxScale(golden, golden);
      assert.equal(result.maxScale, golden.expected.maxScale);
      if (golden.expected.scaleTo !== undefined) assert.equal(result.scaleTo, golden.expected.scaleTo);
    }),
    jobDecision: check<
      Omit<Jobs, 'maxReplicas'> & {
        strategy: JobStrategy['strategy'];
        minReplicas: number;
        maxReplicas?: number;
        expected: object;
      }
    >((golden) => {
      const strategy = { strategy: golden.strategy, queueLengthDeduction: null, runningJobPercentage: null };
      const jobs = { ...golden, maxReplicas: golden.maxReplicas ?? 100 };
      assert.deepEqual(decideJobs(strategy, golden.minReplicas, jobs), golden.expected);
    }),
    jobTriggers: check<{
      calculation: 'max' | 'min' | 'avg' | 'sum';
      minReplicas: number;
      maxReplicas: number;
      triggers: readonly JobTrigger[];
      expected: object;
    }>(({ calculation, minReplicas, maxReplicas, triggers, expected }) =>
      assert.deepEqual(combineJobTriggers(calculation, minReplicas, maxReplicas, triggers), expected),
    ),
    zeroToOne: check<ActivationInput & { expected: object }>((golden) =>
      assert.deepEqual(activate(golden), golden.expected),
    ),
  });
}
