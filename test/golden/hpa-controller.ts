/** The table of a whole pass of the Kubernetes HPA's controller. */
import assert from 'node:assert/strict';
import {
  fromAverage,
  fromUtilization,
  fromValue,
  fromValuePerPod,
  type Calculated,
  type Initialization,
} from '../../src/core/scaling/policies/hpa-replicas.ts';
import { defaultScaleDown, defaultScaleUp } from '../../src/core/scaling/policies/hpa-behavior.ts';
import { freshMemory, pass, type MetricResult } from '../../src/core/scaling/policies/hpa-pass.ts';
import { readRules } from '../../src/core/scaling/policies/hpa.ts';
import { check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';
import { init, sum, toPod, usageMilli, type PodRow } from './hpa-pods.ts';

interface ReconcileCase {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly behavior: { readonly scaleUp: unknown; readonly scaleDown: unknown } | null;
  readonly configurableTolerance: boolean;
  readonly metrics: readonly {
    readonly type: string;
    readonly resource?: string;
    readonly container?: string;
    readonly unavailable?: boolean;
    readonly target?: {
      readonly averageUtilization?: number;
      readonly averageValueMilli?: number;
      readonly valueMilli?: number;
    } | null;
  }[];
  readonly pods: readonly PodRow[];
  readonly resourceUsageMilliPerContainer: Readonly<Record<string, readonly number[]>>;
  readonly customValuesMilli: readonly number[];
  readonly pastRecommendations: readonly { readonly replicas: number; readonly secondsAgo: number }[] | null;
  readonly expected: {
    readonly desiredReplicas: number;
    readonly rescaled: boolean;
    readonly action: string;
    readonly errorClass: string;
    readonly perMetricAction?: Readonly<Record<string, string>>;
    readonly perMetricError?: Readonly<Record<string, string>>;
    readonly conditions: readonly (readonly string[])[];
    readonly cpuUtilizationPercent?: number;
  };
}

type Metric = ReconcileCase['metrics'][number];

const reasons: Readonly<Record<string, string>> = {
  Resource: 'FailedGetResourceMetric',
  ContainerResource: 'FailedGetContainerResourceMetric',
  Pods: 'FailedGetPodsMetric',
  Object: 'FailedGetObjectMetric',
  External: 'FailedGetExternalMetric',
};

function metricResult(golden: ReconcileCase, metric: Metric, at: Initialization): Calculated | 'unknownType' {
  if (reasons[metric.type] === undefined) return 'unknownType';
  const { target, container } = metric;
  const none: Calculated = { kind: 'error', error: 'noMetrics' };
  if (metric.unavailable === true || target === undefined || target === null) return none;
  const up = (golden.behavior?.scaleUp as { tolerance?: number } | null)?.tolerance;
  const down = (golden.behavior?.scaleDown as { tolerance?: number } | null)?.tolerance;
  const own = golden.configurableTolerance;
  const tolerance = { up: (own ? up : undefined) ?? 0.1, down: (own ? down : undefined) ?? 0.1 };
  const values = golden.customValuesMilli;
  const isResource = metric.type === 'Resource' || metric.type === 'ContainerResource';
  const pods = golden.pods.map((row, index) => {
    const milli = isResource ? usageMilli(golden.resourceUsageMilliPerContainer[row.name], container) : values[index];
    const sample = milli === undefined ? undefined : { milli, ageSeconds: 0, windowSeconds: 60 };
    // The condition of these pods changed when they started.
    return toPod({ ...row, readyChangedSecondsAgo: row.startedSecondsAgo }, sample, container);
  });
  const { specReplicas, statusReplicas } = golden;
  const isCpu = metric.resource === 'cpu';
  if (target.averageUtilization !== undefined) {
    const resource = { isCpu, targetPercent: target.averageUtilization };
    return fromUtilization(pods, specReplicas, resource, tolerance, at);
  }
  const targetMilli = target.averageValueMilli ?? target.valueMilli ?? 0;
  if (isResource || metric.type === 'Pods') {
    return fromAverage(pods, specReplicas, { isCpu: isResource && isCpu, targetMilli }, tolerance, at);
  }
  const value = metric.type === 'Object' ? values[0] : sum(values);
  if (value === undefined) return none;
  return target.averageValueMilli === undefined
    ? fromValue(pods, specReplicas, value, targetMilli, tolerance)
    : fromValuePerPod(statusReplicas, value, targetMilli, tolerance);
}

export async function runHpaController(table: Table): Promise<TableResult> {
  const constants = table.about['constants'] as Record<string, number>;
  const initialization = init(table);
  return runChecks(table, {
    reconcile: check<ReconcileCase>((golden) => {
      const { expected, specReplicas, behavior } = golden;
      const downWindowSeconds = constants['downscaleStabilizationSeconds'] ?? 300;
      const results: Record<string, Calculated | 'unknownType'> = {};
      const measure = (): readonly MetricResult[] =>
        golden.metrics.map((metric) => {
          const result = metricResult(golden, metric, initialization);
          results[metric.type] ??= result;
          if (result === 'unknownType') return { kind: 'error', reason: 'InvalidMetricSourceType', spec: true };
          return result.kind === 'error'
            ? { kind: 'error', reason: reasons[metric.type] as string, spec: false }
            : { kind: 'replicas', replicas: result.replicas, metric: metric.type };
        });
      const past =
        golden.pastRecommendations?.map(({ replicas, secondsAgo }) => ({ replicas, at: -secondsAgo })) ?? null;
      const settings = {
        min: golden.minReplicas,
        max: golden.maxReplicas,
        behavior: behavior && {
          scaleUp: readRules(behavior.scaleUp, defaultScaleUp),
          scaleDown: readRules(behavior.scaleDown, {
            ...defaultScaleDown,
            stabilizationWindowSeconds: downWindowSeconds,
          }),
        },
        upLimitFactor: constants['scaleUpLimitFactorWithoutBehavior'] ?? 2,
        downWindowSeconds,
      };
      const looked = pass({ ...freshMemory, recommendations: past }, specReplicas, settings, measure, 0);
      const direction = (to: number): string =>
        to === specReplicas ? 'none' : to > specReplicas ? 'scale_up' : 'scale_down';
      assert.equal(looked.replicas, expected.desiredReplicas);
      assert.equal(looked.replicas !== specReplicas, expected.rescaled);
      assert.equal(direction(looked.replicas), expected.action);
      assert.equal(looked.failing ? 'internal' : 'none', expected.errorClass);
      assert.deepEqual(looked.conditions, expected.conditions);
      for (const [type, action] of Object.entries(expected.perMetricAction ?? {})) {
        const result = results[type];
        const isCount = result !== undefined && result !== 'unknownType' && result.kind === 'calculated';
        assert.equal(isCount ? direction(result.replicas) : 'none', action, `action of ${type}`);
      }
      for (const [type, error] of Object.entries(expected.perMetricError ?? {})) {
        const result = results[type];
        assert.equal(result === 'unknownType' ? 'spec' : result?.kind === 'error' ? 'internal' : 'none', error);
      }
      if (expected.cpuUtilizationPercent !== undefined) {
        const cpu = results['Resource'] ?? results['ContainerResource'];
        assert.ok(cpu !== undefined && cpu !== 'unknownType' && cpu.kind === 'calculated');
        assert.equal(cpu.usage, expected.cpuUtilizationPercent);
      }
    }),
  });
}
