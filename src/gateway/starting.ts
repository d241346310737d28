/**
 * From what waits to calls: as long as a replica has room, what is to be run again goes first, then the next batch. What
 * waits beyond its time is ended on the way. Whoever is called here is called in the turn in which the room was found.
 */
import { formBatch } from '../core/queueing/batch.ts';
import type { Calls } from './calls.ts';
import type { Endings } from './endings.ts';
import type { Job } from './job.ts';
import type { LearnedCosts } from './learned-costs.ts';
import type { Reach } from './reach.ts';
import type { ReplicaPool } from './replica-pool.ts';
import type { Replica } from './replica.ts';
import type { Waiting } from './waiting.ts';

/** Calls that a replica may have at once; a second file call lets decoding overlap the runtime's work. */
export const callDepth = { tensors: 1, files: 2 } as const;

interface StartingParts {
  readonly waiting: Waiting;
  readonly pool: ReplicaPool;
  readonly costs: LearnedCosts;
  readonly reach: Reach;
  readonly calls: Calls;
  readonly end: Endings;
}

export interface Starting {
  /** Starts whatever can be started now. Until when the rest waits for company; infinite where it waits for room. */
  pump(delayMs: number, at: number): number;
  /** What the replica still has to do with what it has; 0 when nothing is known of that. */
  aheadMs(replica: Replica, at: number): number;
}

export function createStarting({ waiting, pool, costs, reach, calls, end }: StartingParts): Starting {
  function aheadMs(replica: Replica, at: number): number {
    if (replica.outstandingCalls === 0) return 0;
    return Math.max(0, (costs.compute(replica.outstandingRows) ?? 0) - (at - replica.progressAt));
  }

  function sendAgain(replica: Replica, jobs: readonly Job[], at: number): void {
    for (const job of jobs) if (job.signal.aborted) end.fail(job, 'CANCELLED', 'the caller hung up');
    const live = jobs.filter((job) => job.state !== 'ended' && job.deadlineAt > at);
    if (live.length > 0) calls.send(replica, live, at, true);
  }

  return {
    aheadMs,
    pump(delayMs, at) {
      while (!waiting.empty) {
        const replica = pool.choose(callDepth[waiting.payload], waiting.calls(costs.cap), at);
        if (replica === undefined) {
          if (pool.ready === 0) reach.missed(waiting.queue.length === 1);
          break;
        }
        const again = waiting.again.shift();
        if (again !== undefined) {
          sendAgain(replica, again, at);
          continue;
        }
        const batch = formBatch(
          waiting.queue,
          {
            readyReplicas: pool.ready,
            cap: costs.cap,
            delayMs,
            batchable: costs.batchable,
            curve: costs.curve,
            aheadMs: aheadMs(replica, at),
          },
          at,
        );
        for (const job of batch.hopeless) {
          const left = Math.max(Math.round(job.deadlineAt - at), 0);
          end.late(job, `it waited, the ${left} ms left are too few for the work, and it was never started`);
        }
        if (batch.items.length === 0) return batch.waitUntil;
        costs.begin(batch.rows);
        calls.send(replica, batch.items, at, false);
      }
      return Number.POSITIVE_INFINITY;
    },
  };
}
