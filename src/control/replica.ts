/**
 * A replica as control remembers it: what it was ordered to be, and what is known of it since. The fleet alone changes
 * it; everybody else reads. What has to survive control is in the store's record, which it can be made from again.
 */
import type { Clock } from '../clock.ts';
import type { ReplicaAddress } from '../gateway/routing-table.ts';
import type { ReplicaRecord } from '../store/store.ts';
import type { FoundReplica, ReplicaOrder } from './orchestrator.ts';
import type { ReplicaFacts } from './replica-link.ts';
import { templateKey } from './template.ts';

export interface ReplicaWord {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Since its start. */
  readonly cpuSeconds: number;
  readonly inferences: number;
}

export interface Replica {
  readonly id: string;
  readonly deployment: string;
  readonly version: string;
  /** Template's key. */
  readonly template: string;
  readonly order: ReplicaOrder;
  /** Unix milliseconds. */
  readonly startedAt: number;
  phase: ReplicaRecord['phase'];
  /** Monotonic milliseconds, here and below. */
  readonly orderedAt: number;
  readonly adopted: boolean;
  readyAt?: number;
  readyAfterMs?: number;
  drainingSince?: number;
  stoppingSince?: number;
  address?: ReplicaAddress;
  where: string;
  /** Of a cluster; absent on a single machine, and until it is placed. */
  node?: string;
  limits: FoundReplica['limits'];
  facts?: ReplicaFacts;
  residentBytes?: number;
  /** What it last said of its work, and what it said before. */
  words?: { readonly latest: ReplicaWord; readonly before?: ReplicaWord };
  inFlight?: number;
  reason?: string;
  /** Its end has been ordered: it is in no table any more. */
  stopping: boolean;
}

/** It was told to go, its process was not told yet and says that it is ready. */
export function isRestorable({ phase, stopping, facts }: Replica): boolean {
  return phase === 'draining' && !stopping && facts?.state.kind === 'ready';
}

/** Wanted now; its process is still to come. */
export function orderedReplica(deployment: string, order: ReplicaOrder, clock: Clock): Replica {
  const { id, launch } = order;
  return {
    id,
    deployment,
    version: launch.version,
    template: templateKey(launch),
    order,
    startedAt: clock.wall(),
    orderedAt: clock.now(),
    adopted: false,
    phase: 'starting',
    where: '',
    limits: { kind: 'none' },
    stopping: false,
  };
}

/** Left by an earlier control. One that was to go still is; any other says itself what it is. */
export function adoptedReplica(record: ReplicaRecord, clock: Clock): Replica {
  const ordered = orderedReplica(record.deployment, record.order, clock);
  const adopted = { ...ordered, startedAt: record.startedAt, adopted: true };
  return record.phase === 'draining' ? { ...adopted, phase: 'draining', drainingSince: clock.now() } : adopted;
}
