/** The table of the Kubernetes HPA's calculation: replicas from one metric and the pods. */
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
  type Tolerance,
} from '../../src/core/scaling/policies/hpa-replicas.ts';
import { check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';
import { init, longAgo, sum, toPod, usageMilli, type PodRow } from './hpa-pods.ts';

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
