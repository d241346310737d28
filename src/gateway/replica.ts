/**
 * One replica as this worker sees it: what it has, how it does, and what its questions brought. The pool alone changes it.
 */
import { healthy, type ReplicaHealth } from '../core/routing/replica-health.ts';
import { evenPace } from '../core/routing/pace.ts';
import type { Job } from './job.ts';
import type { ReplicaConnection } from './replica-connection.ts';
import type { ReplicaRoute } from './routing-table.ts';

/** A call that a replica has, and who waits for it. */
export interface Work {
  readonly rows: number;
  readonly jobs: readonly Pick<Job, 'state' | 'signal'>[];
}

export interface Replica {
  readonly id: string;
  readonly connection: ReplicaConnection;
  route: ReplicaRoute;
  health: ReplicaHealth;
  ejectedFor: string;
  readonly work: Work[];
  outstandingCalls: number;
  outstandingRows: number;
  /** Calls that it was ever given by this worker. */
  calls: number;
  lastUsed: number;
  pace: number;
  /** When it was given work with nothing else to do, or last ended a call. */
  progressAt: number;
  overdue: boolean;
  /** Since when nobody waits for anything of what it has, which is overdue. */
  unwantedSince: number | undefined;
  /** When the first question was put that it has not answered yet; undefined when none is open. */
  askedAt: number | undefined;
  heardAt: number;
  /** Why its connection was given up; until it answers on the next one. */
  hangs: string | undefined;
  /** It answered that it is draining; holds until it has been away. */
  refusing: boolean;
  /** No longer in the table: closed when its last call has ended. */
  gone: boolean;
}

export function newReplica(route: ReplicaRoute, connection: ReplicaConnection): Replica {
  return {
    id: route.id,
    connection,
    route,
    health: healthy,
    ejectedFor: '',
    work: [],
    outstandingCalls: 0,
    outstandingRows: 0,
    calls: 0,
    lastUsed: 0,
    pace: evenPace,
    progressAt: 0,
    overdue: false,
    unwantedSince: undefined,
    askedAt: undefined,
    heardAt: -Infinity,
    hangs: undefined,
    refusing: false,
    gone: false,
  };
}

/** Said of it while it is so. */
export const unwanted =
  'its work is far overdue and nobody waits for it any more; it gets no other until that has ended';

/** Why nothing is routed to it; undefined while something is. */
export function ejectionOf({ hangs, unwantedSince, health, ejectedFor }: Replica): string | undefined {
  if (hangs !== undefined) return hangs;
  if (unwantedSince !== undefined) return unwanted;
  return health.kind === 'healthy' ? undefined : ejectedFor;
}
