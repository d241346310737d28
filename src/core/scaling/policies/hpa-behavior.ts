/**
 * What the Kubernetes HPA does with a wish before it is followed: stabilisation over kept recommendations, then limits
 * on the rate, then the bounds. kubernetes/kubernetes v1.34.1, pkg/controller/podautoscaler/horizontal.go and
 * pkg/apis/autoscaling/v2/defaults.go (Apache-2.0). Times are seconds on the caller's clock.
 * A change or a recommendation that is exactly one period or window old no longer counts.
 */

export interface RatePolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

export interface Rules {
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly stabilizationWindowSeconds: number;
  readonly policies: readonly RatePolicy[];
  /** Overrides the tolerance of this direction. */
  readonly tolerance?: number | undefined;
}

export interface Behavior {
  readonly scaleUp: Rules;
  readonly scaleDown: Rules;
}

export const defaultScaleUp: Rules = {
  selectPolicy: 'Max',
  stabilizationWindowSeconds: 0,
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};

export const defaultScaleDown: Rules = {
  selectPolicy: 'Max',
  stabilizationWindowSeconds: 300,
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

export interface Change {
  /** Replicas added or taken away, positive in both directions. */
  readonly change: number;
  readonly at: number;
}

export interface Recommendation {
  readonly replicas: number;
  readonly at: number;
}

export type LimitReason =
  | 'DesiredWithinRange'
  | 'TooFewReplicas'
  | 'TooManyReplicas'
  | 'ScaleUpLimit'
  | 'ScaleDownLimit';

export interface Limited {
  readonly replicas: number;
  readonly reason: LimitReason;
}

export function changeWithin(changes: readonly Change[], periodSeconds: number, at: number): number {
  let sum = 0;
  for (const { change, at: changedAt } of changes) if (at - changedAt < periodSeconds) sum += change;
  return sum;
}

/** A change is stored in the place of the last one that no policy looks at any more, else at the end. */
export function storeChange(
  changes: readonly Change[],
  change: number,
  policies: readonly RatePolicy[],
  at: number,
): readonly Change[] {
  const longest = Math.max(0, ...policies.map((policy) => policy.periodSeconds));
  const old = changes.findLastIndex((kept) => at - kept.at >= longest);
  return old === -1 ? [...changes, { change, at }] : changes.with(old, { change, at });
}

/** The furthest count that the policies allow from here, in the direction of the rules. */
export function limitOf(
  direction: 'up' | 'down',
  current: number,
  rules: Rules,
  ups: readonly Change[],
  downs: readonly Change[],
  at: number,
): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const allowed = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = current - changeWithin(ups, periodSeconds, at) + changeWithin(downs, periodSeconds, at);
    if (type === 'Pods') return direction === 'up' ? start + value : start - value;
    return direction === 'up' ? Math.ceil(start * (1 + value / 100)) : Math.trunc(start * (1 - value / 100));
  });
  // The policy that allows the larger change counts for Max: more on the way up, less on the way down.
  return (rules.selectPolicy === 'Max') === (direction === 'up') ? Math.max(...allowed) : Math.min(...allowed);
}

export function limitRate(
  wish: number,
  current: number,
  bounds: { readonly min: number; readonly max: number },
  behavior: Behavior,
  ups: readonly Change[],
  downs: readonly Change[],
  at: number,
): Limited {
  if (wish > current) {
    const limit = Math.max(current, limitOf('up', current, behavior.scaleUp, ups, downs, at));
    const most = Math.min(bounds.max, limit);
    if (wish > most) return { replicas: most, reason: bounds.max > limit ? 'ScaleUpLimit' : 'TooManyReplicas' };
  } else if (wish < current) {
    const limit = Math.min(current, limitOf('down', current, behavior.scaleDown, ups, downs, at));
    const least = Math.max(bounds.min, limit);
    if (wish < least) return { replicas: least, reason: bounds.min < limit ? 'ScaleDownLimit' : 'TooFewReplicas' };
  }
  return { replicas: wish, reason: 'DesiredWithinRange' };
}

/** Without behaviour rules: at most `factor` times the current count, and never held below 4. */
export function limitWithoutBehavior(
  wish: number,
  current: number,
  bounds: { readonly min: number; readonly max: number },
  factor: number,
): Limited {
  const limit = Math.trunc(Math.max(factor * current, 4));
  const most = Math.min(bounds.max, limit);
  if (wish < bounds.min) return { replicas: bounds.min, reason: 'TooFewReplicas' };
  if (wish > most) return { replicas: most, reason: bounds.max > limit ? 'ScaleUpLimit' : 'TooManyReplicas' };
  return { replicas: wish, reason: 'DesiredWithinRange' };
}

export interface Stabilized {
  readonly replicas: number;
  /** What is kept from now on. */
  readonly kept: readonly Recommendation[];
}

/** One that no window looks at any more gives its place to the new one. */
function keep(
  past: readonly Recommendation[],
  wish: number,
  at: number,
  isOld: (age: number) => boolean,
): readonly Recommendation[] {
  const old = past.findLastIndex((kept) => isOld(at - kept.at));
  return old === -1 ? [...past, { replicas: wish, at }] : past.with(old, { replicas: wish, at });
}

/**
 * The current count, raised to the least that was wanted over the up window and lowered to the most over the down
 * window: a count goes up only if it was wanted all the time, and down only if nobody wanted more.
 */
export function stabilize(
  past: readonly Recommendation[],
  wish: number,
  current: number,
  upWindowSeconds: number,
  downWindowSeconds: number,
  at: number,
): Stabilized {
  let least = wish;
  let most = wish;
  for (const { replicas, at: wantedAt } of past) {
    if (at - wantedAt < upWindowSeconds) least = Math.min(least, replicas);
    if (at - wantedAt < downWindowSeconds) most = Math.max(most, replicas);
  }
  const replicas = Math.min(Math.max(current, least), most);
  return { replicas, kept: keep(past, wish, at, (age) => age >= upWindowSeconds && age >= downWindowSeconds) };
}

/** Without behaviour rules: the most that was wanted over the down window. */
export function stabilizeDown(
  past: readonly Recommendation[],
  wish: number,
  downWindowSeconds: number,
  at: number,
): Stabilized {
  let replicas = wish;
  for (const kept of past) if (at - kept.at < downWindowSeconds) replicas = Math.max(replicas, kept.replicas);
  return { replicas, kept: keep(past, wish, at, (age) => age >= downWindowSeconds) };
}
