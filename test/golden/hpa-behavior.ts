/** The table of the Kubernetes HPA's behaviour rules: rates and stabilisation. */
import assert from 'node:assert/strict';
import {
  changeWithin,
  defaultScaleDown,
  defaultScaleUp,
  limitOf,
  limitRate,
  limitWithoutBehavior,
  stabilize,
  stabilizeDown,
  storeChange,
  type Change,
  type Rules,
} from '../../src/core/scaling/policies/hpa-behavior.ts';
import { changed, freshMemory, pass } from '../../src/core/scaling/policies/hpa-pass.ts';
import { readRules } from '../../src/core/scaling/policies/hpa.ts';
import { check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

interface EventRow {
  readonly change: number;
  readonly secondsAgo: number;
}

const toChanges = (rows: readonly EventRow[]): readonly Change[] =>
  rows.map(({ change, secondsAgo }) => ({ change, at: -secondsAgo }));

interface RateCase {
  readonly min: number;
  readonly max: number;
  readonly current: number;
  readonly desired: number;
  readonly scaleUp: unknown;
  readonly scaleDown: unknown;
  readonly upEvents: readonly EventRow[];
  readonly downEvents: readonly EventRow[];
  readonly expected: { readonly replicas: number; readonly reason: string };
}

interface SeriesCase {
  readonly min: number;
  readonly max: number;
  readonly start: number;
  readonly scaleUp: Rules | null;
  readonly scaleDown: Rules | null;
  readonly stepSeconds: number;
  readonly upLimitFactorWithoutBehavior: number;
  readonly downscaleStabilizationSeconds?: number;
  readonly raw: readonly number[];
  readonly expected: readonly number[];
  readonly limitReason: readonly string[];
  readonly stabilizeReason: readonly string[];
}

const rulesOf = (golden: { scaleUp: unknown; scaleDown: unknown }): { scaleUp: Rules; scaleDown: Rules } => ({
  scaleUp: readRules(golden.scaleUp, defaultScaleUp),
  scaleDown: readRules(golden.scaleDown, defaultScaleDown),
});

export async function runHpaBehavior(table: Table): Promise<TableResult> {
  return runChecks(table, {
    rate: check<RateCase>((golden) => {
      const { current, desired, expected, upEvents, downEvents } = golden;
      const [ups, downs] = [toChanges(upEvents), toChanges(downEvents)];
      assert.deepEqual(limitRate(desired, current, golden, rulesOf(golden), ups, downs, 0), {
        replicas: expected.replicas,
        reason: expected.reason,
      });
    }),
    noBehavior: check<RateCase & { upLimitFactor: number }>((golden) => {
      const { replicas, reason } = limitWithoutBehavior(golden.desired, golden.current, golden, golden.upLimitFactor);
      assert.deepEqual([replicas, reason], [golden.expected.replicas, golden.expected.reason]);
    }),
    limit: check<{
      direction: 'up' | 'down';
      current: number;
      upEvents: readonly EventRow[];
      downEvents: readonly EventRow[];
      rules: unknown;
      expected: { limit: number };
    }>(({ direction, current, upEvents, downEvents, rules, expected }) => {
      const read = readRules(rules, direction === 'up' ? defaultScaleUp : defaultScaleDown);
      const limit = limitOf(direction, current, read, toChanges(upEvents), toChanges(downEvents), 0);
      assert.equal(limit, expected.limit);
    }),
    stabilize: check<{
      past: readonly { replicas: number; secondsAgo: number }[];
      current: number | null;
      desired: number;
      upWindowSeconds: number | null;
      downWindowSeconds: number;
      expected: { replicas: number; keptValues?: readonly number[]; keptRecommendations?: number };
    }>(({ past, current, desired, upWindowSeconds, downWindowSeconds, expected }) => {
      const kept = past.map(({ replicas, secondsAgo }) => ({ replicas, at: -secondsAgo }));
      const result =
        upWindowSeconds === null
          ? stabilizeDown(kept, desired, downWindowSeconds, 0)
          : stabilize(kept, desired, current ?? desired, upWindowSeconds, downWindowSeconds, 0);
      const values = result.kept.map(({ replicas }) => replicas);
      assert.equal(result.replicas, expected.replicas);
      if (expected.keptValues !== undefined) assert.deepEqual(values, expected.keptValues);
      if (expected.keptRecommendations !== undefined) assert.equal(values.length, expected.keptRecommendations);
    }),
    events: check<{
      change: number;
      past: readonly EventRow[];
      rules: unknown;
      periodSeconds: number;
      expected: { changeInPeriodBefore: number; stored: readonly { change: number; outdated: boolean }[] };
    }>(({ change, past, rules, periodSeconds, expected }) => {
      const changes = toChanges(past);
      assert.equal(changeWithin(changes, periodSeconds, 0), expected.changeInPeriodBefore);
      const stored =
        rules === null ? changes : storeChange(changes, change, readRules(rules, defaultScaleUp).policies, 0);
      assert.deepEqual(
        stored.map((kept) => kept.change),
        expected.stored.map((kept) => kept.change),
      );
    }),
    series: check<SeriesCase>((golden) => {
      const behavior = golden.scaleUp && golden.scaleDown ? rulesOf(golden) : null;
      const settings = {
        min: golden.min,
        max: golden.max,
        behavior,
        upLimitFactor: golden.upLimitFactorWithoutBehavior,
        downWindowSeconds: golden.downscaleStabilizationSeconds ?? 300,
      };
      let memory = freshMemory;
      let current = golden.start;
      for (const [step, wish] of golden.raw.entries()) {
        const at = step * golden.stepSeconds;
        const looked = pass(memory, current, settings, () => [{ kind: 'replicas', replicas: wish, metric: 'raw' }], at);
        assert.equal(looked.replicas, golden.expected[step], `replicas in step ${step}`);
        const limit = looked.conditions.at(-1)?.[2];
        if (looked.wish !== undefined) assert.equal(limit, golden.limitReason[step], `limit in step ${step}`);
        memory = changed(looked.memory, current, looked.replicas, behavior, at);
        current = looked.replicas;
      }
    }),
  });
}
