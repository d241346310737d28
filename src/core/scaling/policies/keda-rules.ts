/**
 * KEDA's own rules, around the HPA that it drives: kedacore/keda 8b4f083, pkg/fallback, pkg/scaling/executor,
 * pkg/scaling/modifiers and pkg/scaling/scaledjob (Apache-2.0).
 */

export type FallbackBehavior =
  | 'static'
  | 'currentReplicas'
  | 'currentReplicasIfHigher'
  | 'currentReplicasIfLower'
  | 'scalingModifiers';

export interface Fallback {
  readonly failureThreshold: number;
  readonly replicas: number;
  readonly behavior: FallbackBehavior;
}

export interface Health {
  readonly failures: number;
  readonly status: 'Happy' | 'Failing';
}

/** What the metric is measured against: an average a replica, or one value for all. */
export type MetricTarget =
  | { readonly kind: 'average'; readonly value: number }
  | { readonly kind: 'value'; readonly value: number; readonly readyReplicas: number };

export type Reading =
  | { readonly kind: 'value'; readonly value: number; readonly usesFallback: boolean; readonly health: Health }
  /** Nothing is reported; the autoscaler holds. */
  | { readonly kind: 'error'; readonly health: Health };

const isUsable = (fallback: Fallback | null): fallback is Fallback =>
  fallback !== null && fallback.failureThreshold >= 0 && fallback.replicas >= 0;

/** How many replicas a failing metric stands for. */
export function fallbackReplicas({ behavior, replicas }: Fallback, current: number): number {
  switch (behavior) {
    case 'currentReplicas':
      return current;
    case 'currentReplicasIfHigher':
      return Math.max(current, replicas);
    case 'currentReplicasIfLower':
      return Math.min(current, replicas);
    case 'static':
    case 'scalingModifiers':
      break;
  }
  return replicas;
}

/** Thousandths are the finest that the metrics API carries; the rest is cut off. */
const toThousandths = (value: number): number => Math.trunc(Number((value * 1000).toPrecision(15))) / 1000;

/**
 * One read of a metric (null: it failed). The failure is counted first; over the threshold the fallback's replicas are
 * reported as a value that asks for just as many.
 */
export function readWithFallback(
  metric: number | null,
  before: Health | null,
  fallback: Fallback | null,
  target: MetricTarget,
  currentReplicas: number,
): Reading {
  if (metric !== null) {
    return { kind: 'value', value: metric, usesFallback: false, health: { failures: 0, status: 'Happy' } };
  }
  const health: Health = { failures: (before?.failures ?? 0) + 1, status: 'Failing' };
  if (!isUsable(fallback) || health.failures <= fallback.failureThreshold) return { kind: 'error', health };
  const wanted = fallbackReplicas(fallback, currentReplicas) * target.value;
  if (target.kind === 'average') return { kind: 'value', value: toThousandths(wanted), usesFallback: true, health };
  if (target.readyReplicas === 0) return { kind: 'error', health };
  return { kind: 'value', value: toThousandths(wanted / target.readyReplicas), usesFallback: true, health };
}

/** Whether the Fallback condition is true: any trigger is past the threshold of a fallback that is written rightly. */
export function fallbackActive(fallback: Fallback | null, failures: readonly number[]): boolean {
  return isUsable(fallback) && failures.some((count) => count > fallback.failureThreshold);
}

/** What a trigger is worth inside a formula: nothing once it is past the threshold and the formula is to deal with it. */
export function triggerValue(
  value: number,
  failures: number | null,
  fallback: Pick<Fallback, 'failureThreshold' | 'behavior'>,
): number | null {
  return fallback.behavior === 'scalingModifiers' && (failures ?? 0) > fallback.failureThreshold ? null : value;
}

export const targetAverage = (targets: readonly number[]): number =>
  targets.length === 0 ? 0 : targets.reduce((sum, target) => sum + target, 0) / targets.length;

/** Where an inactive target goes: to its idle count if it has one, else to its minimum. */
export function idleOrMin(
  idleReplicas: number | null,
  minReplicas: number | null,
): { readonly isIdle: boolean; readonly replicas: number } {
  return idleReplicas === null
    ? { isIdle: false, replicas: minReplicas ?? 0 }
    : { isIdle: true, replicas: idleReplicas };
}

export interface ActivationInput {
  readonly currentReplicas: number;
  /** Any trigger is over its activation threshold. */
  readonly active: boolean;
  readonly minReplicas: number;
  readonly idleReplicas: number | null;
  readonly paused: 'in' | 'out' | null;
  readonly forcedActivation: boolean;
}

/** The step that only knows active or not, once the cooldown has passed; from 1 on the HPA decides. */
export function activate(input: ActivationInput): { readonly replicas: number; readonly activeCondition: boolean } {
  const { currentReplicas: current, minReplicas: min, idleReplicas: idle } = input;
  const activeCondition = input.active || input.forcedActivation;
  const up = (replicas: number): number => (input.paused === 'out' ? current : replicas);
  const down = (replicas: number): number => (input.paused === 'in' ? current : replicas);
  const goes = (replicas: number) => ({ replicas, activeCondition });
  if (activeCondition) {
    return goes(current === 0 || (idle !== null && current < min) ? up(min > 0 ? min : 1) : current);
  }
  if (idle !== null ? current > idle : current > 0 && min === 0) return goes(down(idleOrMin(idle, min).replicas));
  return goes(idle === null && current < min ? up(min) : current);
}
