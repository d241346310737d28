/**
 * What a policy sees of one deployment on one tier. The live loop fills it from gateways and runners, a rehearsal from
 * its simulated world; the policy can't tell which. Its filler may write the next one into the same object, so a policy
 * keeps numbers of it and never the object.
 */
import type { Foresight } from '../forecasting/outlook.ts';
import type { Signal } from './signals.ts';

/** Replicas come within seconds where there is room, nodes in minutes; the same policies run on each. */
export type Tier = 'replicas' | 'nodes';

/** The stages between a load that needs more and the first request that the new unit answers. */
export const lagStages = ['detect', 'decide', 'start', 'load', 'warm', 'serve'] as const;
export type LagStage = (typeof lagStages)[number];

/** Milliseconds a stage, the 90th percentile of what this tier of this deployment has really shown. */
export type Lag = Readonly<Record<LagStage, number>>;

/** From the order to the first answer: what a policy cannot make shorter by deciding sooner. */
export function orderToServingMs({ start, load, warm, serve }: Lag): number {
  return start + load + warm + serve;
}

/** Counts are of units of the tier. `target` is what is held now: `ready + starting` on its way to it. */
export interface Fleet {
  readonly target: number;
  readonly ready: number;
  /** Ordered and not ready yet. */
  readonly starting: number;
}

export interface ReplicaSample {
  readonly ready: boolean;
  /** Milliseconds since it was started, and since its readiness last changed. */
  readonly ageMs: number;
  readonly readinessAgeMs: number;
  /** Share of its CPU allowance in use: 1 is all of it. */
  readonly cpu: Signal;
}

/** Over all gateways and replicas of the deployment, for the span that the observation covers. */
export interface Signals {
  /** Requests offered: admitted, queued or shed. Never completions: a fleet that is too small completes little. */
  readonly arrivals: Signal;
  /** Requests being computed, mean over the span. */
  readonly inFlight: Signal;
  /** Requests that wait, at the end of the span. */
  readonly queued: Signal;
  /** Milliseconds that the request waited which was started last. */
  readonly queueWaitMs: Signal;
  /** Milliseconds of one replica that one request takes, at the batch in use. */
  readonly serviceMs: Signal;
  /** Share of the ready replicas' time in which they computed: 1 is all of it. */
  readonly utilisation: Signal;
  /** Share of the ready replicas' CPU allowance in use: 1 is all of it. */
  readonly cpu: Signal;
  /** Requests answered with a fault of the platform. */
  readonly errors: Signal;
  /** Requests answered after the objective, or shed. */
  readonly late: Signal;
  readonly p50Ms: Signal;
  readonly p99Ms: Signal;
}

export interface Objective {
  /** A request that takes longer is late. */
  readonly latencyMs: number;
  /** A request that can't be answered within this is given up. */
  readonly deadlineMs: number;
}

export interface SetPoint {
  /** Share of what is seen of growth within a lag that has to be met: above 0, below 1. */
  readonly quantile: number;
  readonly by: string;
}

export interface Observation {
  readonly tier: Tier;
  /** Replicas that one unit of this tier holds: 1 on the tier of replicas. */
  readonly replicasPerUnit: number;
  /** Milliseconds that the counts cover. */
  readonly spanMs: number;
  /** Milliseconds since 1970-01-01 UTC: for calendars only, and it may jump. */
  readonly wallMs: number;
  readonly fleet: Fleet;
  readonly min: number;
  readonly max: number;
  readonly lag: Lag;
  readonly objective: Objective;
  readonly signals: Signals;
  /** Figures from outside (a Prometheus query, a webhook) by the name that the specification gives them. */
  readonly external: Readonly<Record<string, Signal>>;
  /**
   * Requests per second that n replicas have been measured to hold, at index n; NaN where nothing was measured. It may
   * fall with n: where a call is cheaper than the hop to a replica, more replicas hold less.
   */
  readonly capacity: ArrayLike<number>;
  /** What the most trusted forecaster says of a lag from now; absent while none has authority. */
  readonly foresight?: Foresight | undefined;
  /** The headroom quantile that a model sets, which is asked by the platform; absent while none does. */
  readonly setPoint?: SetPoint | undefined;
  /** Each replica by itself, where the filler knows them; rules that need none do without. */
  readonly replicas?: readonly ReplicaSample[];
}
