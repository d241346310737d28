/**
 * The coupling between the two planes, and the only one: control publishes the table and asks models that advise it, the
 * gateway publishes observations and answers. The gateway needs nothing else, keeps the last table when control is gone,
 * and finds it again on disk.
 */
import type { KeyTable } from '../auth/key-table.ts';
import type { CostPoint } from '../protocol/frames/messages.ts';
import type { RequestLogRoute } from '../request-log/record.ts';
import type { ModelSignature } from '../protocol/tensor.ts';
import type { MetricFamily } from '../telemetry/metrics.ts';
import type { Take } from '../telemetry/spans/outbox.ts';
import type { RequestSpan, SpanQuery } from '../telemetry/spans/span.ts';

export type ReplicaAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** Both sides show certificates of the platform's authority. */
      readonly tls?: boolean;
      /** What the runner there calls itself, and what its certificate names, where they are not the replica's own id. */
      readonly runner?: string;
      readonly certificate?: string;
    };

export interface ReplicaRoute {
  readonly id: string;
  readonly address: ReplicaAddress;
  /** A draining replica gets no new batch; what it has is finished. */
  readonly state: 'ready' | 'draining';
}

export interface BatchingRoute {
  /** Rows in one call at most; `auto` learns the cap from the cost curve. */
  readonly sizeMax: number | 'auto';
  /** How long a batch that is not full may wait for company although a replica is free; 0 by default. */
  readonly delayMs: number;
}

export interface QueueRoute {
  readonly lengthMax: number;
  /** Priorities run from 1 (most urgent) to this. */
  readonly priorityLevels: number;
  readonly priorityDefault: number;
}

export interface DeadlineRoute {
  readonly defaultMs: number;
  readonly maxMs: number;
}

export interface VersionRoute {
  readonly version: string;
  readonly digest: string;
  readonly platform: string;
  readonly signature: ModelSignature;
  readonly takesFiles: boolean;
  readonly batching: BatchingRoute;
  readonly costCurve: readonly CostPoint[];
  readonly replicas: readonly ReplicaRoute[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface DeploymentRoute {
  /** The name in the path. */
  readonly name: string;
  readonly model: string;
  /** The version that requests without one get; absent until one is ready. */
  readonly serving?: string;
  /** The serving version and those being retired: a retired one takes no new request but finishes its queue. */
  readonly versions: readonly VersionRoute[];
  readonly queue: QueueRoute;
  readonly deadline: DeadlineRoute;
  /** Absent: its requests are not logged. */
  readonly requestLog?: RequestLogRoute;
  /** Why there is no ready replica, for the error that callers get; absent when there is one. */
  readonly notReadyReason?: string;
  /** It sleeps when nobody asks and is woken by whoever does: without a replica it is still ready to be asked. */
  readonly wakes?: true;
  /** Answers that take longer are counted as late; absent where no objective is known. */
  readonly objectiveMs?: number;
  /**
   * How long the last cold start took, in whole seconds (so that the table does not change with each), and with that how
   * soon a caller may come back who found no replica. Absent where none was measured.
   */
  readonly startSeconds?: number;
  /**
   * What becomes of a request that finds no ready replica. `wait` in the queue: one is on its way, or comes for whoever
   * waits. `fail`: none can come, so that those that wait fail too. Absent: it is refused.
   */
  readonly callers?: 'wait' | 'fail';
}

export interface RoutingTable {
  /** Grows by one at each publication, across restarts of control. */
  readonly revision: number;
  /**
   * Of the control that made it, among several of which one acts: it grows each time another takes over, and gateways
   * refuse what is older than what they have acted on. Absent: 0.
   */
  readonly epoch?: number;
  readonly serverName: string;
  readonly deployments: readonly DeploymentRoute[];
}

export const emptyRoutingTable: RoutingTable = { revision: 0, serverName: 'flyball', deployments: [] };

/** Counts of one deployment version since the worker started, and its state now. */
export interface VersionObservation {
  readonly deployment: string;
  readonly version: string;
  readonly arrivals: number;
  readonly completed: number;
  readonly failed: number;
  /** Answered after the objective. */
  readonly late?: number;
  /** Milliseconds that replicas were occupied by these calls, without what these waited behind others in them. */
  readonly busyMs?: number;
  /** How long the request waited that was answered last. */
  readonly queueWaitMs?: number;
  /** Refused or given up, by error code. */
  readonly shed: Readonly<Record<string, number>>;
  readonly queueLength: number;
  readonly inFlight: number;
  /** Of the requests completed since the last observation; absent when there were none. */
  readonly latencyMs?: { readonly p50: number; readonly p95: number; readonly p99: number; readonly n: number };
  readonly batchSizeCap: number;
  /** It is found out, call by call; absent where it is what it is: set by hand, or a model that takes no batches. */
  readonly batchSizeLearned?: true;
  /**
   * Calls answered well since the last observation, and some of them: rows, milliseconds of rest of the replica before,
   * replicas that computed, which of the replica's calls it was, milliseconds. Absent when there were none.
   */
  readonly calls?: { readonly count: number; readonly samples: readonly (readonly number[])[] };
  /** Present while requests wait and no replica can be reached: how long the first of them has waited. */
  readonly waitingMs?: number;
  /** The last first answer after a wait for a replica: when (Unix milliseconds), and how long after the arrival. */
  readonly woken?: { readonly at: number; readonly totalMs: number };
}

export interface ReplicaObservation {
  readonly id: string;
  readonly outstanding: number;
  readonly connected: boolean;
  /** Present while the gateway does not route to it although the table says ready. */
  readonly ejected?: string;
  /**
   * Present while it computes only what nobody waits for any more, although that is far overdue: for how long that has
   * been so. It may be stuck for good, and whoever ends it costs no caller of this worker anything.
   */
  readonly unwantedMs?: number;
}

/** gateway → control, newline-delimited JSON. */
export type GatewayMessage =
  | {
      readonly kind: 'hello';
      readonly worker: number;
      /** Its machine; absent: control's own. Two machines have a worker 0 each. */
      readonly node?: string;
      /** Made up by each process at its start, where a pid does not tell them apart: on another machine. */
      readonly instance?: string;
      readonly pid: number;
      readonly revision: number;
      /** Revision of the key table in force; 0 without one. */
      readonly keys: number;
    }
  | { readonly kind: 'keys'; readonly revision: number }
  | Beat
  | Answer
  | SpanAnswer
  | FamiliesAnswer
  | {
      readonly kind: 'observation';
      readonly worker: number;
      /** Unix milliseconds. */
      readonly at: number;
      /** The table that it acts on: a drain is acknowledged by a revision in which the replica was draining and `outstanding` 0. */
      readonly revision: number;
      readonly versions: readonly VersionObservation[];
      readonly replicas: readonly ReplicaObservation[];
    };

/** "I am here", over TCP. */
export interface Beat {
  readonly kind: 'beat';
}

/** control → gateway. */
export type ControlMessage =
  | { readonly kind: 'table'; readonly table: RoutingTable }
  | { readonly kind: 'keys'; readonly table: KeyTable }
  | Beat
  | Question
  | SpanQuestion
  | FamiliesQuestion;

/** What control asks a model that advises it. */
export interface Question {
  readonly kind: 'question';
  readonly id: number;
  /** Name of the deployment. */
  readonly model: string;
  /** A row, oldest first; null where nothing is known. */
  readonly values: readonly (number | null)[];
  readonly deadlineMs: number;
}

/** A number that is none (NaN) is null on its way. */
export interface Answer {
  readonly kind: 'answer';
  readonly id: number;
  readonly values?: readonly (number | null)[];
  /** Why there is no answer. */
  readonly problem?: string;
}

/** What control asks gateways of other machines: what they have counted. */
export interface FamiliesQuestion {
  readonly kind: 'families?';
  readonly id: number;
}

export interface FamiliesAnswer {
  readonly kind: 'families';
  readonly id: number;
  readonly families: readonly MetricFamily[];
}

/** What control asks about requests that have ended. */
export interface SpanQuestion {
  readonly kind: 'spans?';
  readonly id: number;
  /** Absent: those that were remembered since what was settled. */
  readonly query?: SpanQuery;
  /** Without a query: how they are taken. */
  readonly take?: Take;
}

export interface SpanAnswer {
  readonly kind: 'spans';
  readonly id: number;
  readonly spans: readonly RequestSpan[];
  /** Without a query: the number of the answer, and how many were ever lost, for want of room. */
  readonly number?: number;
  readonly lost?: number;
}
