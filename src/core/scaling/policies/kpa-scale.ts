/**
 * One tick of Knative's pod autoscaler and its way to zero: knative/serving 98e5ef9,
 * pkg/autoscaler/scaling/autoscaler.go and pkg/reconciler/autoscaling/kpa/scaler.go (Apache-2.0). Times are seconds.
 *
 *   stable ──(the short window asks for panicThreshold × ready)──▶ panicking ──(stableWindow without)──▶ stable
 *
 * While panicking nothing is lowered. A fresh autoscaler with more than one ready replica starts in panic: it has no
 * memory, and what has no memory may not lower.
 */
import { record, slidingMax, type SlidingMax } from '../sliding-max.ts';

export interface KpaSpec {
  /** What one replica is meant to carry, after utilisation, and before. */
  readonly targetValue: number;
  readonly totalValue: number;
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  readonly panicThreshold: number;
  readonly stableWindow: number;
  /** Seconds; 0 keeps no delay window, which is not the same as one of a single bucket. */
  readonly scaleDownDelay: number;
  readonly activationScale: number;
  /** Requests of a burst that must find room; 0: never asked, -1: the buffer always stays in the path. */
  readonly targetBurstCapacity: number;
  readonly reachable: boolean;
}

export interface KpaMemory {
  /** When the threshold was last crossed; null in stable mode. */
  panickingSince: number | null;
  maxPanicPods: number;
  delay: SlidingMax | null;
}

/** Seconds between two ticks, and the width of a bucket of the delay window. */
export const tickSeconds = 2;

/** `ready`: null where it could not be read. */
export function startKpa(ready: number | null, scaleDownDelay: number, at: number): KpaMemory {
  return {
    panickingSince: ready !== null && ready > 1 ? at : null,
    maxPanicPods: ready ?? 0,
    delay: scaleDownDelay > 0 ? slidingMax(Math.ceil(scaleDownDelay / tickSeconds)) : null,
  };
}

export interface KpaTick {
  readonly desired: number;
  /** Room left for a burst; below 0 the buffer has to be in the request path. */
  readonly excessBurstCapacity: number;
}

/** Writes into the memory. Undefined: no decision, nothing is changed. */
export function tickKpa(
  memory: KpaMemory,
  spec: KpaSpec,
  ready: number | null,
  observed: { readonly stable: number; readonly panic: number } | null,
  at: number,
): KpaTick | undefined {
  if (ready === null || observed === null) return undefined;
  const from = Math.max(1, ready);
  const most = Math.ceil(spec.maxScaleUpRate * from);
  const least = spec.reachable ? Math.floor(from / spec.maxScaleDownRate) : 0;
  const stableWish = Math.ceil(observed.stable / spec.targetValue);
  const panicWish = Math.ceil(observed.panic / spec.targetValue);
  const limited = (wish: number): number => {
    const count = Math.min(Math.max(wish, least), most);
    return wish > 0 && spec.activationScale > 1 ? Math.max(count, spec.activationScale) : count;
  };

  if (panicWish / from >= spec.panicThreshold) {
    memory.panickingSince = at;
  } else if (memory.panickingSince !== null && memory.panickingSince + spec.stableWindow < at) {
    memory.panickingSince = null;
    memory.maxPanicPods = 0;
  }
  let desired = limited(stableWish);
  if (memory.panickingSince !== null) {
    memory.maxPanicPods = Math.max(memory.maxPanicPods, desired, limited(panicWish));
    desired = memory.maxPanicPods;
  }
  if (memory.delay !== null && spec.reachable) desired = record(memory.delay, Math.floor(at / tickSeconds), desired);

  const burst = spec.targetBurstCapacity;
  const room = Math.floor(ready * spec.totalValue - burst - observed.panic);
  return { desired, excessBurstCapacity: burst === 0 ? 0 : burst > 0 ? room : -1 };
}

export interface TargetInput {
  readonly metric: 'concurrency' | 'rps';
  /** Requests that one replica takes at once; 0 for no limit. */
  readonly containerConcurrency: number;
  readonly target?: number | undefined;
  readonly utilization?: number | undefined;
  readonly defaultConcurrency: number;
  readonly defaultRps: number;
  readonly concurrencyUtilization: number;
  readonly rpsUtilization: number;
}

/** What one replica is meant to carry: with room left (`target`) and in all (`total`). */
export function resolveTarget(input: TargetInput): { readonly target: number; readonly total: number } {
  const isRps = input.metric === 'rps';
  const limit = isRps ? 0 : input.containerConcurrency;
  const fallback = isRps ? input.defaultRps : limit === 0 ? input.defaultConcurrency : limit;
  const asked = input.target ?? fallback;
  const total = limit > 0 ? Math.min(asked, limit) : asked;
  const utilization = input.utilization ?? (isRps ? input.rpsUtilization : input.concurrencyUtilization);
  return { target: Math.max(0.01, total * utilization), total };
}

/**
 * Replicas of a population that have to be asked for a mean that is within 5 of the true one in 95 % of the cases, at a
 * standard deviation of 10: n = N·X/(N + X - 1) with X = 1.96²·10²/5². All of up to three.
 */
export function sampleSize(population: number): number {
  if (population <= 3) return Math.max(0, population);
  const unlimited = (1.96 ** 2 * 100) / 25;
  return Math.ceil((population * unlimited) / (population + unlimited - 1));
}

export interface ZeroInput {
  readonly current: number;
  /** What the tick gave; below 0: nothing is known yet. */
  readonly desired: number;
  readonly minScale: number;
  /** 0 for no limit. */
  readonly maxScale: number;
  readonly enableScaleToZero: boolean;
  readonly stableWindowSeconds: number;
  readonly graceSeconds: number;
  readonly podRetentionSeconds: number;
  readonly activationTimeoutSeconds: number;
  readonly initialScale: number;
  readonly initialScaleReached: boolean;
  readonly reachability: 'reachable' | 'unreachable' | 'unknown';
  readonly targetBurstCapacity: number;
  /** Whether the buffer answers in place of the replicas; asked only once it matters. */
  readonly activatorProbe: 'ok' | 'notYet' | 'error';
  readonly activatorInPathForSeconds: number;
  readonly alreadyProxied: boolean;
  readonly condition: 'active' | 'inactive' | 'activating';
  readonly conditionForSeconds: number;
}

export interface ZeroDecision {
  /** Null: unknown. */
  readonly decision: number | null;
  /** The count is to be written now. */
  readonly applied: boolean;
  readonly recheckScheduled: boolean;
  readonly asyncProbeStarted: boolean;
}

type Way = Omit<ZeroDecision, 'applied'> & { readonly apply: boolean };

const goes = (decision: number | null, apply: boolean, recheckScheduled = false): Way => ({
  decision,
  apply,
  recheckScheduled,
  asyncProbeStarted: false,
});

function towardsZero(input: ZeroInput): Way {
  const since = input.conditionForSeconds;
  if (input.condition === 'activating') {
    return since > input.activationTimeoutSeconds ? goes(0, true) : goes(null, false, true);
  }
  if (input.condition === 'active') {
    // Zero without writing it marks the revision inactive; what follows is the other branch's.
    return since >= input.stableWindowSeconds ? goes(0, false, input.alreadyProxied) : goes(1, true, true);
  }
  const buffered = input.targetBurstCapacity === -1 || input.activatorProbe === 'ok';
  if (!buffered) return { ...goes(0, false), asyncProbeStarted: true };
  // The last pod of a revision that nobody can reach is kept for nobody.
  const retention = input.reachability === 'unreachable' ? 0 : input.podRetentionSeconds;
  if (since >= Math.max(input.graceSeconds, retention)) return goes(0, true);
  if (since < retention) return goes(0, false, true);
  return input.activatorInPathForSeconds >= input.graceSeconds ? goes(0, true) : goes(0, false, true);
}

/** Bounds, and the last replica: it goes only when it has been inactive, behind the buffer, for long enough. */
export function decideZero(input: ZeroInput): ZeroDecision {
  const minScale = input.reachability === 'unreachable' ? 0 : input.minScale;
  const initial = input.initialScale > 1 && !input.initialScaleReached ? input.initialScale : 0;
  const least = Math.max(minScale, initial);
  if (input.desired < 0) {
    // Nothing is known yet: only what is being activated has a count all the same.
    const known = input.condition === 'activating' && (least > 0 || input.enableScaleToZero);
    if (!known) return { decision: null, applied: false, recheckScheduled: false, asyncProbeStarted: false };
  }
  const wished = Math.max(least, input.desired, 0);
  const bounded = input.maxScale > 0 ? Math.min(wished, Math.max(least, input.maxScale)) : wished;
  const way = bounded !== 0 ? goes(bounded, true) : input.enableScaleToZero ? towardsZero(input) : goes(1, true);
  const { decision, apply, recheckScheduled, asyncProbeStarted } = way;
  return { decision, applied: apply && decision !== input.current, recheckScheduled, asyncProbeStarted };
}
