/** What is rehearsed: traffic, a deployment and its tier, faults, and the seed from which all chance comes. */
import type { Constraints } from '../core/scaling/constrain.ts';
import type { Lag } from '../core/scaling/observation.ts';
import type { Distribution } from './world/distribution.ts';
import type { FaultSettings } from './faults.ts';
import type { ServiceModel } from './world/service.ts';
import type { MeasuredStarts } from './world/starts.ts';
import type { Traffic } from './traffic/traffic.ts';

export interface Scenario {
  readonly traffic: Traffic;
  /** Requests of each second before it, oldest first, NaN where nobody saw: what policies have learned from; absent: nothing. */
  readonly past?: ArrayLike<number>;
  readonly service: ServiceModel;
  /** From the order of a replica to its first request, milliseconds. */
  readonly lag: Distribution;
  /** Starts and ends as they were measured, in place of `lag`, which is then only what a policy is told. */
  readonly starts?: MeasuredStarts;
  /** The same as a policy is told it, by stage; absent: its 90th percentile as one. */
  readonly stages?: Lag;
  readonly min: number;
  readonly max: number;
  /** Replicas that serve when it begins. */
  readonly initial: number;
  readonly queueLengthMax: number;
  /** A request that takes longer is late. */
  readonly latencyMs: number;
  /** A request that cannot be answered within this is given up. */
  readonly deadlineMs: number;
  /** Share of its CPU allowance that a replica uses while it computes. */
  readonly cpuShare: number;
  /** What a target may not do, besides leaving `min` and `max`; absent: nothing. */
  readonly constraints?: Constraints;
  readonly faults: FaultSettings;
  readonly seed: number;
}

/** The lags of the tiers: a process that was started ahead, a container, a machine. */
export const lagSeconds = { process: 0.5, container: 10, vm: 150 } as const;

/** Load in the first minute by what a replica carries at this share of its time: a fleet that is neither idle nor late. */
const initialUtilisation = 0.7;
const firstMs = 60_000;

/** A fleet that fits the first minute of the traffic. */
export function initialReplicas(traffic: Traffic, perReplicaRate: number, min: number, max: number): number {
  const slots = Math.max(1, Math.min(traffic.loads.length, Math.floor(firstMs / traffic.slotMs)));
  let load = 0;
  for (let slot = 0; slot < slots; slot += 1) load += traffic.loads[slot] as number;
  const perSecond = (load * 1000) / (slots * traffic.slotMs);
  return Math.min(max, Math.max(min, Math.ceil(perSecond / perReplicaRate / initialUtilisation)));
}
