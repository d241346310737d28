/** The table of the Knative pod autoscaler: windows, ticks, closed series, targets, and the way to zero. */
import assert from 'node:assert/strict';
import {
  decideZero,
  resolveTarget,
  sampleSize,
  startKpa,
  tickKpa,
  tickSeconds,
  type KpaMemory,
  type KpaSpec,
  type TargetInput,
  type ZeroInput,
} from '../../src/core/scaling/policies/kpa-scale.ts';
import {
  average,
  bucketSums,
  buckets,
  roundTo,
  resize,
  smoothingCoefficient,
  weightedAverage,
  write,
} from '../../src/core/scaling/policies/bucket-window.ts';
import { record, slidingMax } from '../../src/core/scaling/sliding-max.ts';
import { assertClose, check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

interface ScaleStep {
  readonly atSeconds: number;
  readonly readyPods: number | null;
  readonly observed: { readonly stable: number; readonly panic: number } | null;
  readonly spec?: KpaSpec;
  readonly expected: {
    readonly valid: boolean;
    readonly desired?: number;
    readonly excessBurstCapacity?: number;
    readonly panickingAfter?: boolean;
  };
}

interface ScaleCase {
  readonly initial?: { readonly panicStartedSecondsAgo: number | null; readonly maxPanicPods: number };
  readonly steps: readonly ScaleStep[];
}

interface SeriesCase {
  readonly spec: KpaSpec & { readonly panicWindow: number; readonly weighted: boolean };
  readonly startReadyPods: number;
  readonly loadPerSecond: readonly number[];
  readonly columns: readonly string[];
  readonly expected: readonly (readonly (number | boolean)[])[];
}

interface TargetCase {
  readonly input: {
    readonly containerConcurrency: number;
    readonly targetAnnotation: number | null;
    readonly utilizationAnnotationPercent: number | null;
    readonly metric: TargetInput['metric'];
    readonly defaultConcurrency: number;
    readonly utilizationFraction: number;
    readonly defaultRps: number;
    readonly rpsUtilizationFraction: number;
  };
  readonly expected: { readonly target: number; readonly total: number };
}

interface WindowCase {
  readonly windowSeconds: number;
  readonly granularitySeconds: number;
  readonly weighted: boolean;
  readonly smoothingCoefficientAtFirstRead?: number;
  readonly ops: readonly { op: string; at: number; value: number; expected: number; windowSeconds: number }[];
}

export async function runKpa(table: Table): Promise<TableResult> {
  return runChecks(table, {
    scale: check<ScaleCase>(({ initial, steps }) => {
      let spec: KpaSpec | undefined;
      let memory: KpaMemory | undefined;
      for (const [index, step] of steps.entries()) {
        spec = step.spec ?? spec;
        assert.ok(spec !== undefined);
        if (memory === undefined) {
          // Upstream's tests make their autoscaler while one replica is ready and set the count afterwards.
          memory = startKpa(1, spec.scaleDownDelay, step.atSeconds);
          if (initial !== undefined) {
            const ago = initial.panicStartedSecondsAgo;
            memory.panickingSince = ago === null ? null : step.atSeconds - ago;
            memory.maxPanicPods = initial.maxPanicPods;
          }
        }
        const tick = tickKpa(memory, spec, step.readyPods, step.observed, step.atSeconds);
        const { valid, desired, excessBurstCapacity, panickingAfter } = step.expected;
        assert.equal(tick !== undefined, valid, `step ${index}`);
        if (desired !== undefined) assert.equal(tick?.desired, desired, `step ${index}`);
        if (excessBurstCapacity !== undefined)
          assert.equal(tick?.excessBurstCapacity, excessBurstCapacity, `burst capacity in step ${index}`);
        if (panickingAfter !== undefined) assert.equal(memory.panickingSince !== null, panickingAfter, `step ${index}`);
      }
    }),
    start: check<{ readyPods: number; expected: { panicking: boolean; maxPanicPods: number } }>((golden) => {
      const memory = startKpa(golden.readyPods, 0, 0);
      assert.deepEqual([memory.panickingSince !== null, memory.maxPanicPods], Object.values(golden.expected));
    }),
    series: check<SeriesCase>(({ spec, startReadyPods, loadPerSecond, columns, expected }) => {
      const column = (name: string): number => columns.indexOf(name);
      const stable = buckets(spec.stableWindow);
      const panic = buckets(spec.panicWindow);
      const mean = spec.weighted ? weightedAverage : average;
      const memory = startKpa(startReadyPods, spec.scaleDownDelay, 0);
      const rows = new Map(expected.map((row) => [row[column('t')], row]));
      for (const [at, load] of loadPerSecond.entries()) {
        write(stable, at, load);
        write(panic, at, load);
        const row = rows.get(at);
        if (row === undefined) continue;
        const observed = { stable: mean(stable, at), panic: mean(panic, at) };
        assertClose(observed.stable, row[column('stable')] as number, 1e-6, `stable at ${at}`);
        assertClose(observed.panic, row[column('panic')] as number, 1e-6, `panic at ${at}`);
        const tick = tickKpa(memory, spec, row[column('ready')] as number, observed, at);
        assert.deepEqual(
          [tick?.desired, tick?.excessBurstCapacity, memory.panickingSince !== null],
          [row[column('desired')], row[column('excessBurstCapacity')], row[column('panicking')]],
          `at ${at}`,
        );
      }
      assert.ok(rows.size > 0 && [...rows.keys()].every((at) => Number(at) % tickSeconds === 0));
    }),
    window: check<WindowCase>((golden) => {
      const ring = buckets(golden.windowSeconds, golden.granularitySeconds);
      if (golden.smoothingCoefficientAtFirstRead !== undefined)
        assertClose(smoothingCoefficient(ring.values.length), golden.smoothingCoefficientAtFirstRead);
      for (const [index, { op, at, value, expected, windowSeconds }] of golden.ops.entries()) {
        if (op === 'record') write(ring, at, value);
        else if (op === 'resize') resize(ring, windowSeconds);
        else if (op === 'average')
          assertClose((golden.weighted ? weightedAverage : average)(ring, at), expected, 1e-6, `op ${index}`);
        else assert.fail(`no operation ${op}`);
      }
    }),
    smoothingCoefficient: check<{ buckets: number; expected: number; tolerance: number }>((golden) =>
      assertClose(smoothingCoefficient(golden.buckets), golden.expected, golden.tolerance),
    ),
    bucketSums: check<{
      granularitySeconds: number;
      records: readonly (readonly [number, number])[];
      expectedNonZero: Readonly<Record<string, number>>;
    }>(({ granularitySeconds, records, expectedNonZero }) => {
      const ring = buckets(120, granularitySeconds);
      for (const [at, value] of records) write(ring, at, value);
      assert.deepEqual(Object.fromEntries(bucketSums(ring)), expectedNonZero);
    }),
    maxWindow: check<{
      windowBuckets: number;
      indexes: readonly number[];
      values: readonly number[];
      expectedAfterEach: readonly number[];
    }>(({ windowBuckets, indexes, values, expectedAfterEach }) => {
      const window = slidingMax(windowBuckets);
      assert.deepEqual(
        indexes.map((index, step) => record(window, index, values[step] as number)),
        expectedAfterEach,
      );
    }),
    maxTimeWindow: check<{
      windowSeconds: number;
      granularitySeconds: number;
      records: readonly (readonly [number, number])[];
      expected: number;
    }>(({ windowSeconds, granularitySeconds, records, expected }) => {
      const window = slidingMax(Math.ceil(windowSeconds / granularitySeconds));
      const seen = records.map(([at, value]) => record(window, Math.floor(at / granularitySeconds), value));
      assert.equal(seen.at(-1), expected);
    }),
    round: check<{ digits: number; value: number; expected: number }>(({ digits, value, expected }) =>
      assert.equal(roundTo(digits, value), expected),
    ),
    sampleSize: check<{ population: number; expected: number }>(({ population, expected }) =>
      assert.equal(sampleSize(population), expected),
    ),
    target: check<TargetCase>(({ input, expected }) => {
      const percent = input.utilizationAnnotationPercent;
      const { target, total } = resolveTarget({
        metric: input.metric,
        containerConcurrency: input.containerConcurrency,
        target: input.targetAnnotation ?? undefined,
        utilization: percent === null ? undefined : percent / 100,
        defaultConcurrency: input.defaultConcurrency,
        defaultRps: input.defaultRps,
        concurrencyUtilization: input.utilizationFraction,
        rpsUtilization: input.rpsUtilizationFraction,
      });
      assertClose(target, expected.target, 1e-9, 'target');
      assertClose(total, expected.total, 1e-9, 'total');
    }),
    scaleToZero: check<{ input: ZeroInput; expected: object }>(({ input, expected }) =>
      assert.deepEqual(decideZero(input), expected),
    ),
  });
}
