/** The table of Ray Serve's autoscaling: policy, factors, delays, merging of series, gangs, closed series. */
import assert from 'node:assert/strict';
import {
  decideRay,
  delay,
  freshRay,
  mergeSeries,
  scaleByFactor,
  timeWeightedMean,
  toGangs,
  type RayConfig,
  type StepSeries,
} from '../../src/core/scaling/policies/ray-rules.ts';
import { readFormula } from '../../src/core/scaling/policies/formula.ts';
import { assertClose, check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

type Bounded = RayConfig & { readonly minReplicas: number; readonly maxReplicas: number };

interface PolicyCase {
  readonly config: Bounded;
  readonly customPolicy?: string;
  readonly steps: readonly {
    readonly at: number;
    readonly ongoing: number;
    readonly running: number;
    readonly target: number;
    readonly expected: number;
    readonly repeat?: { readonly everySeconds: number; readonly times: number };
  }[];
}

/** The table writes its rules as Python does: `A if C else B`. */
function customWish(rule: string, of: Readonly<Record<string, number>>): number {
  const formula = readFormula(rule.replace(/^(.+) if (.+) else (.+)$/u, '$2 ? $1 : $3'));
  assert.ok(formula.kind === 'formula', `the rule ${rule} is of no known form`);
  const result = formula.evaluate(of);
  assert.ok(result.kind === 'value' && result.value !== null, JSON.stringify(result));
  return result.value;
}

export async function runRay(table: Table): Promise<TableResult> {
  return runChecks(table, {
    policy: check<PolicyCase>(({ config, customPolicy, steps }) => {
      let memory = freshRay;
      for (const [index, step] of steps.entries()) {
        const { everySeconds, times } = step.repeat ?? { everySeconds: 0, times: 1 };
        const { ongoing, running, target } = step;
        for (let turn = 0; turn < times; turn += 1) {
          const wish = customPolicy === undefined ? undefined : customWish(customPolicy, { ongoing, running, target });
          const decided = decideRay(memory, step, config, step.at + turn * everySeconds, wish);
          memory = decided.memory;
          assert.equal(decided.replicas, step.expected, `step ${index}, turn ${turn}`);
        }
      }
    }),
    factor: check<{
      desired: number;
      running: number;
      upscalingFactor: number;
      downscalingFactor: number;
      expected: number;
    }>((golden) => {
      const { desired, running, upscalingFactor, downscalingFactor } = golden;
      assert.equal(scaleByFactor(desired, running, upscalingFactor, downscalingFactor), golden.expected);
    }),
    delay: check<{
      config: RayConfig;
      steps: readonly { at: number; desired: number; target: number; expected: number }[];
    }>(({ config, steps }) => {
      let memory = freshRay;
      for (const [index, { at, desired, target, expected }] of steps.entries()) {
        const delayed = delay(memory, desired, target, config, at);
        memory = delayed.memory;
        assert.equal(delayed.replicas, expected, `step ${index}`);
      }
    }),
    gang: check<{ gangSize: number; decision: number; min?: number; max?: number; expected: number }>((golden) =>
      assert.equal(toGangs(golden.decision, golden.gangSize, golden.min, golden.max), golden.expected),
    ),
    aggregate: check<{
      series: readonly StepSeries[];
      windowStart: number | null;
      windowEnd: number | null;
      lastWindowSeconds: number;
      expected: { merged: StepSeries; mean: number | null };
    }>(({ series, windowStart, windowEnd, lastWindowSeconds, expected }) => {
      const merged = mergeSeries(series);
      assert.equal(merged.length, expected.merged.length);
      for (const [index, [at, value]] of expected.merged.entries()) {
        assertClose(merged[index]?.[0] as number, at);
        assert.equal(merged[index]?.[1], value);
      }
      const mean = timeWeightedMean(merged, windowStart, windowEnd, lastWindowSeconds);
      assertClose(mean ?? Number.NaN, expected.mean, 1e-9, 'mean');
    }),
    series: check<{ config: Bounded; columns: readonly string[]; rows: readonly (readonly number[])[] }>((golden) => {
      const { config, columns, rows } = golden;
      const column = (row: readonly number[], name: string): number => row[columns.indexOf(name)] as number;
      let memory = freshRay;
      for (const row of rows) {
        const at = column(row, 'at');
        const seen = {
          ongoing: column(row, 'ongoing'),
          running: column(row, 'running'),
          target: column(row, 'target'),
        };
        const decided = decideRay(memory, seen, config, at);
        memory = decided.memory;
        const bounded = Math.min(config.maxReplicas, Math.max(config.minReplicas, decided.replicas));
        assert.deepEqual([decided.replicas, bounded], [column(row, 'policy'), column(row, 'bounded')], `at ${at}`);
      }
    }),
  });
}
