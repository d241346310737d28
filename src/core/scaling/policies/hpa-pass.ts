/**
 * One pass of the Kubernetes HPA controller over the results of its metrics: which count is wanted, what stabilisation,
 * rate limits and bounds make of it, and what is remembered. kubernetes/kubernetes v1.34.1,
 * pkg/controller/podautoscaler/horizontal.go (Apache-2.0). Reasons are the controller's own identifiers.
 */
import {
  limitRate,
  limitWithoutBehavior,
  stabilize,
  stabilizeDown,
  storeChange,
  type Behavior,
  type Change,
  type Limited,
  type Recommendation,
} from './hpa-behavior.ts';

/** What one metric came to. */
export type MetricResult =
  | { readonly kind: 'replicas'; readonly replicas: number; readonly metric: string }
  /** `reason`: what its condition would say; `spec`: the metric is written wrongly, it can never be read. */
  | { readonly kind: 'error'; readonly reason: string; readonly spec: boolean };

export interface PassMemory {
  /** Wishes before stabilisation; null for a controller that has not looked yet. */
  readonly recommendations: readonly Recommendation[] | null;
  readonly ups: readonly Change[];
  readonly downs: readonly Change[];
}

export const freshMemory: PassMemory = { recommendations: null, ups: [], downs: [] };

export interface PassSettings {
  readonly min: number;
  readonly max: number;
  /** Null where none is given: then the older limits hold, of `upLimitFactor` and the down window alone. */
  readonly behavior: Behavior | null;
  readonly upLimitFactor: number;
  readonly downWindowSeconds: number;
}

export type Condition = readonly [type: string, status: 'True' | 'False', reason: string];

export interface Pass {
  readonly replicas: number;
  /** What the metrics asked for, before stabilisation and limits; undefined where no metric was asked. */
  readonly wish?: number;
  /** The metric that asked for it. */
  readonly metric?: string;
  /** At least one metric gave no count. */
  readonly failing: boolean;
  readonly conditions: readonly Condition[];
  readonly memory: PassMemory;
}

type Combined =
  | { readonly kind: 'wish'; readonly replicas: number; readonly metric: string; readonly failing: boolean }
  | { readonly kind: 'invalid'; readonly reason: string };

/** The most that any metric asks for. One that can't be read forbids to lower, and if none can be read nothing is done. */
export function combine(results: readonly MetricResult[], current: number): Combined {
  let best: (MetricResult & { kind: 'replicas' }) | undefined;
  let broken: (MetricResult & { kind: 'error' }) | undefined;
  for (const result of results) {
    if (result.kind === 'error') broken ??= result;
    else if (best === undefined || best.replicas === 0 || result.replicas > best.replicas) best = result;
  }
  if (best === undefined || (broken !== undefined && best.replicas < current)) {
    return { kind: 'invalid', reason: broken?.reason ?? 'FailedGetResourceMetric' };
  }
  return { kind: 'wish', replicas: best.replicas, metric: best.metric, failing: broken !== undefined };
}

function normalize(
  wish: number,
  current: number,
  set: PassSettings,
  memory: PassMemory,
  at: number,
): { readonly limited: Limited; readonly stabilized: number; readonly kept: readonly Recommendation[] } {
  const past = memory.recommendations ?? [];
  if (set.behavior === null) {
    const { replicas, kept } = stabilizeDown(past, wish, set.downWindowSeconds, at);
    return { limited: limitWithoutBehavior(replicas, current, set, set.upLimitFactor), stabilized: replicas, kept };
  }
  const { scaleUp, scaleDown } = set.behavior;
  const up = scaleUp.stabilizationWindowSeconds;
  const { replicas, kept } = stabilize(past, wish, current, up, scaleDown.stabilizationWindowSeconds, at);
  const limited = limitRate(replicas, current, set, set.behavior, memory.ups, memory.downs, at);
  return { limited, stabilized: replicas, kept };
}

/**
 * `current`: replicas that are asked for now. `measure` is called only when the metrics decide. `at`: seconds.
 * The caller tells of a change that came of it with `changed`.
 */
export function pass(
  memory: PassMemory,
  current: number,
  set: PassSettings,
  measure: () => readonly MetricResult[],
  at: number,
): Pass {
  const scale: Condition = ['AbleToScale', 'True', 'SucceededGetScale'];
  const noted = { ...memory, recommendations: memory.recommendations ?? [{ replicas: current, at }] };
  if (current === 0 && set.min !== 0) {
    const conditions: Condition[] = [scale, ['ScalingActive', 'False', 'ScalingDisabled']];
    return { replicas: 0, failing: false, conditions, memory: noted };
  }
  if (current > set.max || current < set.min) {
    const replicas = current > set.max ? set.max : set.min;
    return { replicas, failing: false, conditions: [['AbleToScale', 'True', 'SucceededRescale']], memory: noted };
  }
  const combined = combine(measure(), current);
  if (combined.kind === 'invalid') {
    const conditions: Condition[] = [scale, ['ScalingActive', 'False', combined.reason]];
    return { replicas: current, failing: true, conditions, memory: noted };
  }
  const wish = combined.replicas;
  const { limited, stabilized, kept } = normalize(wish, current, set, noted, at);
  const held = wish >= current && set.behavior !== null ? 'ScaleUpStabilized' : 'ScaleDownStabilized';
  const able = limited.replicas !== current ? 'SucceededRescale' : stabilized !== wish ? held : 'ReadyForNewScale';
  return {
    replicas: limited.replicas,
    wish,
    metric: combined.metric,
    failing: combined.failing,
    conditions: [
      ['AbleToScale', 'True', able],
      ['ScalingActive', 'True', 'ValidMetricFound'],
      ['ScalingLimited', limited.replicas === stabilized ? 'False' : 'True', limited.reason],
    ],
    memory: { ...noted, recommendations: kept },
  };
}

/** The count was changed: what the rate policies will count. Nothing is kept where there are none. */
export function changed(
  memory: PassMemory,
  from: number,
  to: number,
  behavior: Behavior | null,
  at: number,
): PassMemory {
  if (behavior === null || from === to) return memory;
  if (to > from) return { ...memory, ups: storeChange(memory.ups, to - from, behavior.scaleUp.policies, at) };
  return { ...memory, downs: storeChange(memory.downs, from - to, behavior.scaleDown.policies, at) };
}
