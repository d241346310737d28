/**
 * Replica counts of the Kubernetes Horizontal Pod Autoscaler, one metric at a time: kubernetes/kubernetes v1.34.1,
 * pkg/controller/podautoscaler/replica_calculator.go (Apache-2.0), told in its own words because the comparison is only
 * worth something if it is exact. Values are whole milli units and utilisation is cut to whole percent, as there.
 *
 * A pod that should have a metric and has none counts as fully used on the way down and as idle on the way up; one that
 * isn't ready counts as idle on the way up. If that turns the direction round, or brings it inside the tolerance,
 * nothing changes.
 */

export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

export interface Pod {
  readonly phase: string;
  readonly deleted: boolean;
  /** Absent where the pod has no such condition at all; null where its state is not known. */
  readonly ready?: boolean | null;
  readonly ageSeconds: number;
  readonly readyChangedSecondsAgo: number;
  /** Milli units over its containers, and the age and window of the sample; absent when the pod has no metric. */
  readonly usage?: { readonly milli: number; readonly ageSeconds: number; readonly windowSeconds: number };
  /** Milli units that it asked for; only utilisation needs it. */
  readonly requestMilli?: number | undefined;
}

export interface Initialization {
  /** How long after its start the CPU of a pod is not believed unless it is ready. */
  readonly cpuSeconds: number;
  /** A pod whose readiness last changed within this after its start has never been ready. */
  readonly readinessSeconds: number;
}

/**
 * Milli units that a pod asks for: the pod's own request where it has one and those count, else the sum of its
 * containers', or one container's. Undefined when a container that counts has none.
 */
export function requestOf(
  containers: readonly { readonly name: string; readonly requestMilli?: number }[],
  of: { readonly container?: string; readonly podRequestMilli?: number },
): number | undefined {
  if (of.container === undefined && of.podRequestMilli !== undefined) return of.podRequestMilli;
  let total = 0;
  for (const { name, requestMilli } of containers) {
    if (of.container !== undefined && name !== of.container) continue;
    if (requestMilli === undefined) return undefined;
    total += requestMilli;
  }
  return total;
}

export type PodClass = 'counted' | 'unready' | 'missing' | 'ignored';

export function classify(pod: Pod, isCpu: boolean, init: Initialization): PodClass {
  if (pod.deleted || pod.phase === 'Failed') return 'ignored';
  if (pod.phase === 'Pending') return 'unready';
  const { usage } = pod;
  if (usage === undefined) return 'missing';
  if (!isCpu) return 'counted';
  if (pod.ready === undefined) return 'unready';
  const unready =
    pod.ageSeconds < init.cpuSeconds
      ? pod.ready === false || usage.ageSeconds > pod.readyChangedSecondsAgo - usage.windowSeconds
      : pod.ready === false && pod.readyChangedSecondsAgo + init.readinessSeconds > pod.ageSeconds;
  return unready ? 'unready' : 'counted';
}

export type Calculated =
  /** `usage` in the unit of the metric: whole percent of the request, or milli. `averageMilli` a pod. */
  | { readonly kind: 'calculated'; readonly replicas: number; readonly usage: number; readonly averageMilli: number }
  | { readonly kind: 'error'; readonly error: 'noPods' | 'noMetrics' | 'noMetricsFromReadyPods' | 'missingRequest' };

const failed = (error: (Calculated & { kind: 'error' })['error']): Calculated => ({ kind: 'error', error });
const largest = 2 ** 31 - 1;

/** Counts are 32-bit there: what does not fit is the largest there is. */
const toCount = (count: number): number => Math.min(largest, Math.ceil(count));

const within = (ratio: number, { up, down }: Tolerance): boolean => 1 - down <= ratio && ratio <= 1 + up;

/** Usage of many pods against one target: utilisation in percent of the request, or an average in milli. */
interface Measure {
  readonly target: number;
  /** How one pod that has no metric is filled on the way down. */
  readonly full: (pod: Pod) => number;
  readonly usageOf: (totalMilli: number, pods: readonly Pod[]) => number;
}

function fromPods(
  pods: readonly Pod[],
  current: number,
  isCpu: boolean,
  measure: Measure,
  tolerance: Tolerance,
  init: Initialization,
): Calculated {
  const counted: Pod[] = [];
  const unready: Pod[] = [];
  const missing: Pod[] = [];
  for (const pod of pods) {
    const podClass = classify(pod, isCpu, init);
    if (podClass === 'counted') counted.push(pod);
    else if (podClass === 'unready') unready.push(pod);
    else if (podClass === 'missing') missing.push(pod);
  }
  if (counted.length === 0) return failed('noMetricsFromReadyPods');
  const totalMilli = counted.reduce((sum, pod) => sum + (pod.usage?.milli ?? 0), 0);
  const usage = measure.usageOf(totalMilli, counted);
  const ratio = usage / measure.target;
  const calculated = (replicas: number): Calculated => ({
    kind: 'calculated',
    replicas,
    usage,
    averageMilli: Math.trunc(totalMilli / counted.length),
  });
  const withUnready = unready.length > 0 && ratio > 1;
  if (!withUnready && missing.length === 0) {
    return calculated(within(ratio, tolerance) ? current : toCount(ratio * counted.length));
  }
  let filledMilli = totalMilli;
  const considered = [...counted];
  if (ratio !== 1) {
    considered.push(...missing);
    if (ratio < 1) filledMilli += missing.reduce((sum, pod) => sum + measure.full(pod), 0);
  }
  if (withUnready) considered.push(...unready);
  const again = measure.usageOf(filledMilli, considered) / measure.target;
  const turned = (ratio < 1 && again > 1) || (ratio > 1 && again < 1);
  if (within(again, tolerance) || turned) return calculated(current);
  const replicas = toCount(again * considered.length);
  const wrongWay = (again < 1 && replicas > current) || (again > 1 && replicas < current);
  return calculated(wrongWay ? current : replicas);
}

/** A resource as percent of what the pods asked for. */
export function fromUtilization(
  pods: readonly Pod[],
  current: number,
  resource: { readonly isCpu: boolean; readonly targetPercent: number },
  tolerance: Tolerance,
  init: Initialization,
): Calculated {
  if (pods.length === 0) return failed('noPods');
  if (pods.every((pod) => pod.usage === undefined)) return failed('noMetrics');
  const { isCpu, targetPercent } = resource;
  const anyCounted = pods.some((pod) => classify(pod, isCpu, init) === 'counted');
  if (anyCounted && pods.some((pod) => pod.requestMilli === undefined)) return failed('missingRequest');
  const measure: Measure = {
    target: targetPercent,
    full: (pod) => Math.trunc(((pod.requestMilli ?? 0) * Math.max(100, targetPercent)) / 100),
    usageOf: (total, of) => Math.trunc((total * 100) / of.reduce((sum, pod) => sum + (pod.requestMilli ?? 0), 0)),
  };
  return fromPods(pods, current, isCpu, measure, tolerance, init);
}

/** An average value a pod: a resource, or a metric of the pods (`isCpu` false). */
export function fromAverage(
  pods: readonly Pod[],
  current: number,
  metric: { readonly isCpu: boolean; readonly targetMilli: number },
  tolerance: Tolerance,
  init: Initialization,
): Calculated {
  if (pods.length === 0) return failed('noPods');
  if (pods.every((pod) => pod.usage === undefined)) return failed('noMetrics');
  const measure: Measure = {
    target: metric.targetMilli,
    full: () => metric.targetMilli,
    usageOf: (total, of) => Math.trunc(total / of.length),
  };
  return fromPods(pods, current, metric.isCpu, measure, tolerance, init);
}

/** One figure for the whole fleet (an object's, or an external one) against a target for the whole. */
export function fromValue(
  pods: readonly Pod[],
  current: number,
  usageMilli: number,
  targetMilli: number,
  tolerance: Tolerance,
): Calculated {
  const ratio = usageMilli / targetMilli;
  const calculated = (replicas: number): Calculated => ({
    kind: 'calculated',
    replicas,
    usage: usageMilli,
    averageMilli: usageMilli,
  });
  // From zero there is nobody whose readiness could be counted.
  if (current === 0) return calculated(toCount(ratio));
  if (within(ratio, tolerance)) return calculated(current);
  if (pods.length === 0) return failed('noPods');
  const ready = pods.filter((pod) => pod.phase === 'Running' && pod.ready === true).length;
  return calculated(toCount(ratio * ready));
}

/** One figure for the whole fleet against a target a pod. `current`: pods that there are (not those asked for). */
export function fromValuePerPod(
  current: number,
  usageMilli: number,
  targetMilli: number,
  tolerance: Tolerance,
): Calculated {
  const ratio = usageMilli / (targetMilli * current);
  const replicas = within(ratio, tolerance) ? current : toCount(usageMilli / targetMilli);
  const averageMilli = Math.ceil(usageMilli / current);
  return { kind: 'calculated', replicas, usage: averageMilli, averageMilli };
}
