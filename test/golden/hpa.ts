/** The tables of the Kubernetes HPA: one calculation, a whole pass of the controller, and its behaviour rules. */
import assert from 'node:assert/strict';
import {
  classify,
  fromAverage,
  fromUtilization,
  fromValue,
  fromValuePerPod,
  requestOf,
  type Calculated,
  type Initialization,
  type Pod,
  type Tolerance,
} from '../../src/core/scaling/policies/hpa-replicas.ts';
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
import { changed, freshMemory, pass, type MetricResult } from '../../src/core/scaling/policies/hpa-pass.ts';
import { readRules } from '../../src/core/scaling/policies/hpa.ts';
import { check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

interface PodRow {
  readonly name: string;
  readonly ready: boolean | null;
  readonly startedSecondsAgo: number | null;
  readonly readyChangedSecondsAgo?: number | null;
  readonly phase: string;
  readonly deleted: boolean;
  readonly noReadyCondition?: boolean;
  readonly requestMilliPerContainer?: readonly number[] | null;
}

/** The zero time of the API: long before anything else. */
const longAgo = 1e12;

const init = (table: Table): Initialization => {
  const constants = table.about['constants'] as Record<string, number> | undefined;
  return {
    cpuSeconds: constants?.['cpuInitializationPeriodSeconds'] ?? 120,
    readinessSeconds: constants?.['delayOfInitialReadinessSeconds'] ?? 10,
  };
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** `container2` is the second one. */
const containerIndex = (container: string): number => Number(/\d+$/.exec(container)?.[0] ?? 1) - 1;

function toPod(row: PodRow, usage: Pod['usage'], container?: string): Pod {
  const requests = row.requestMilliPerContainer;
  const requestMilli = container === undefined ? requests && sum(requests) : requests?.[containerIndex(container)];
  return {
    phase: row.phase,
    deleted: row.deleted,
    ...(row.noReadyCondition === true ? {} : { ready: row.ready }),
    ageSeconds: row.startedSecondsAgo ?? longAgo,
    readyChangedSecondsAgo: row.readyChangedSecondsAgo ?? longAgo,
    ...(usage === undefined ? {} : { usage }),
    requestMilli: requestMilli ?? undefined,
  };
}

/** Milli of a pod whose containers all reported, or of the one that is asked for. */
function usageMilli(perContainer: readonly number[] | undefined, container?: string): number | undefined {
  if (perContainer === undefined) return undefined;
  if (container !== undefined) return perContainer[containerIndex(container)];
  return perContainer.length < 2 ? undefined : sum(perContainer);
}

interface ReplicasCase {
  readonly currentReplicas: number;
  readonly toleranceUp: number;
  readonly toleranceDown: number;
  readonly metricAgeSeconds: number;
  readonly metricWindowSeconds: number;
  readonly metric: {
    readonly type: string;
    readonly resource?: string;
    readonly container?: string;
    readonly targetUtilizationPercent?: number;
    readonly targetMilli?: number | string;
    readonly targetPerPodMilli?: number | string;
  };
  readonly pods: readonly PodRow[];
  readonly usage?: Readonly<Record<string, number | readonly number[]>>;
  readonly valuesMilli?: readonly (number | string)[] | null;
  readonly expected: {
    readonly error?: string;
    readonly replicas?: number;
    readonly usageMilli?: number | string;
    readonly utilizationPercent?: number;
    readonly averageUsageMilli?: number;
  };
}

function calculate(golden: ReplicasCase, initialization: Initialization): Calculated {
  const { metric, currentReplicas, usage = {} } = golden;
  const tolerance: Tolerance = { up: golden.toleranceUp, down: golden.toleranceDown };
  const isResource = metric.type === 'resource';
  const pods = golden.pods.map((row) => {
    const raw = usage[row.name];
    const milli = isResource ? usageMilli(raw as readonly number[] | undefined, metric.container) : (raw as number);
    const sample = {
      milli: milli ?? 0,
      ageSeconds: golden.metricAgeSeconds,
      windowSeconds: golden.metricWindowSeconds,
    };
    return toPod(row, milli === undefined ? undefined : sample, metric.container);
  });
  const isCpu = metric.resource === 'cpu';
  const targetMilli = Number(metric.targetMilli ?? metric.targetPerPodMilli);
  if (metric.targetUtilizationPercent !== undefined) {
    const resource = { isCpu, targetPercent: metric.targetUtilizationPercent };
    return fromUtilization(pods, currentReplicas, resource, tolerance, initialization);
  }
  if (isResource || metric.type === 'pods')
    return fromAverage(pods, currentReplicas, { isCpu, targetMilli }, tolerance, initialization);
  const values = golden.valuesMilli ?? [];
  if (values.length === 0) return { kind: 'error', error: 'noMetrics' };
  const value = sum(values.map(Number));
  return metric.type.endsWith('PerPod')
    ? fromValuePerPod(currentReplicas, value, targetMilli, tolerance)
    : fromValue(pods, currentReplicas, value, targetMilli, tolerance);
}

interface GroupsCase {
  readonly resource: string;
  readonly pods: readonly PodRow[];
  readonly metrics: Readonly<Record<string, { value: number; ageSeconds: number | null; windowSeconds: number }>>;
  readonly expected: { ready: number; unready: string[]; missing: string[]; ignored: string[] };
}

interface RequestsCase {
  readonly container: string | null;
  readonly podLevelRequestsEnabled: boolean;
  readonly pods: readonly {
    readonly name: string;
    readonly containers: readonly { readonly name: string; readonly requestMilli?: number }[];
    readonly podRequestMilli?: number;
  }[];
  readonly expected: { readonly error?: string; readonly requestsMilli?: Readonly<Record<string, number>> };
}

export async function runHpaCalculator(table: Table): Promise<TableResult> {
  const initialization = init(table);
  return runChecks(table, {
    replicas: check<ReplicasCase>((golden) => {
      const { expected } = golden;
      const result = calculate(golden, initialization);
      if (expected.error !== undefined || result.kind === 'error') {
        assert.equal(result.kind === 'error' ? result.error : 'none', expected.error ?? 'none');
        return;
      }
      assert.equal(result.replicas, expected.replicas);
      if (expected.utilizationPercent !== undefined) assert.equal(result.usage, expected.utilizationPercent);
      if (expected.averageUsageMilli !== undefined) assert.equal(result.averageMilli, expected.averageUsageMilli);
      if (expected.usageMilli !== undefined) assert.equal(result.usage, Number(expected.usageMilli));
    }),
    podGroups: check<GroupsCase>(({ resource, pods, metrics, expected }) => {
      const classes = pods.map((row) => {
        const metric = metrics[row.name];
        const sample =
          metric === undefined
            ? undefined
            : { milli: metric.value, ageSeconds: metric.ageSeconds ?? longAgo, windowSeconds: metric.windowSeconds };
        return classify(toPod(row, sample), resource === 'cpu', initialization);
      });
      const named = (wanted: string): string[] =>
        pods.filter((_, index) => classes[index] === wanted).map(({ name }) => name);
      assert.equal(named('counted').length, expected.ready);
      assert.deepEqual(named('unready').sort(), expected.unready.toSorted());
      assert.deepEqual(named('missing').sort(), expected.missing.toSorted());
      assert.deepEqual(named('ignored').sort(), expected.ignored.toSorted());
    }),
    podRequests: check<RequestsCase>(({ container, podLevelRequestsEnabled, pods, expected }) => {
      for (const pod of pods) {
        const request = requestOf(pod.containers, {
          ...(container === null ? {} : { container }),
          ...(podLevelRequestsEnabled && pod.podRequestMilli !== undefined
            ? { podRequestMilli: pod.podRequestMilli }
            : {}),
        });
        assert.equal(request === undefined, expected.error === 'missingRequest');
        if (expected.requestsMilli !== undefined) assert.equal(request, expected.requestsMilli[pod.name]);
      }
    }),
  });
}

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
