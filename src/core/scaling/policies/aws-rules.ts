/**
 * AWS scaling rules from the public user guides (EC2 Auto Scaling: step scaling, adjustment types, instance warm-up;
 * Application Auto Scaling: target tracking, several policies), pages of 2024 to 2026. Facts and figures only.
 */

export type AdjustmentType = 'ChangeInCapacity' | 'PercentChangeInCapacity' | 'ExactCapacity';

/** Bounds are relative to the alarm's threshold; null is without end. */
export interface StepAdjustment {
  readonly lower: number | null;
  readonly upper: number | null;
  readonly adjust: number;
}

export interface StepPolicy {
  readonly threshold: number;
  readonly direction: 'out' | 'in';
  readonly adjustmentType: AdjustmentType;
  readonly steps: readonly StepAdjustment[];
  /** The least change of a percentage; null for none. */
  readonly minAdjustmentMagnitude: number | null;
}

/** A percentage of a capacity in whole units: towards zero, and never less than one. */
export function wholeChange(value: number): number {
  if (value > 0 && value < 1) return 1;
  if (value < 0 && value > -1) return -1;
  return Math.trunc(value);
}

/** Out: the lower bound belongs to the step; in: the upper one. */
function stepOf(policy: StepPolicy, metric: number): StepAdjustment | undefined {
  const breach = metric - policy.threshold;
  return policy.steps.find(({ lower, upper }) => {
    const least = lower ?? Number.NEGATIVE_INFINITY;
    const most = upper ?? Number.POSITIVE_INFINITY;
    return policy.direction === 'out' ? breach >= least && breach < most : breach > least && breach <= most;
  });
}

function adjusted(policy: StepPolicy, capacity: number, metric: number): number {
  const step = stepOf(policy, metric);
  if (step === undefined) return capacity;
  if (policy.adjustmentType === 'ExactCapacity') return step.adjust;
  if (policy.adjustmentType === 'ChangeInCapacity') return capacity + step.adjust;
  const change = wholeChange((capacity * step.adjust) / 100);
  const least = change === 0 ? 0 : (policy.minAdjustmentMagnitude ?? 0);
  return capacity + Math.sign(change) * Math.max(Math.abs(change), least);
}

/** `warming`: units of the capacity that still warm up. They count as already added, so a breach is not answered twice. */
export function stepScale(
  policy: StepPolicy,
  capacity: { readonly warm: number; readonly warming: number },
  bounds: { readonly min: number; readonly max: number },
  metric: number,
): number {
  const all = capacity.warm + capacity.warming;
  const wanted = adjusted(policy, capacity.warming > 0 ? capacity.warm : all, metric);
  const counted = capacity.warming > 0 ? Math.max(all, wanted) : wanted;
  return Math.min(bounds.max, Math.max(bounds.min, counted));
}

/** Proportional to the metric. AWS publishes no formula; this is the common reading of "proportional". */
export function trackTarget(capacity: number, metric: number, target: number): number {
  return Math.ceil((capacity * metric) / target);
}

export interface Wish {
  readonly direction: 'out' | 'in' | 'hold';
  readonly capacity: number;
}

/** Any policy may scale out, and the most counts; in goes only what all agree on, to the most of them. */
export function combineWishes(capacity: number, wishes: readonly Wish[]): Wish {
  const out = wishes.filter(({ direction }) => direction === 'out');
  const chosen = out.length > 0 ? out : wishes.every(({ direction }) => direction === 'in') ? wishes : [];
  if (chosen.length === 0) return { direction: 'hold', capacity };
  return chosen.reduce((most, wish) => (wish.capacity > most.capacity ? wish : most));
}
