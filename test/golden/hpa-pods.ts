/** Pods as the tables of the Kubernetes HPA write them. */
import type { Initialization, Pod } from '../../src/core/scaling/policies/hpa-replicas.ts';
import type { Table } from './table.ts';

export interface PodRow {
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
export const longAgo = 1e12;

export const init = (table: Table): Initialization => {
  const constants = table.about['constants'] as Record<string, number> | undefined;
  return {
    cpuSeconds: constants?.['cpuInitializationPeriodSeconds'] ?? 120,
    readinessSeconds: constants?.['delayOfInitialReadinessSeconds'] ?? 10,
  };
};

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** `container2` is the second one. */
const containerIndex = (container: string): number => Number(/\d+$/.exec(container)?.[0] ?? 1) - 1;

export function toPod(row: PodRow, usage: Pod['usage'], container?: string): Pod {
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
export function usageMilli(perContainer: readonly number[] | undefined, container?: string): number | undefined {
  if (perContainer === undefined) return undefined;
  if (container !== undefined) return perContainer[containerIndex(container)];
  return perContainer.length < 2 ? undefined : sum(perContainer);
}
