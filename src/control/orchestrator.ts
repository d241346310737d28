/**
 * The seam between control and whatever runs replicas: processes of this machine, tasks of a Docker Swarm.
 * A driver starts, stops and finds replicas; it decides nothing. Every method is safe to call twice.
 */
import type { ClusterNode } from '../core/placement/node.ts';
import type { ReplicaAddress } from '../gateway/routing-table.ts';
import type { RunnerLaunch } from '../runner/launch.ts';

export interface ReplicaResources {
  /** Cores, may be a fraction; absent means unlimited. `settle` applies it: a start is not slowed. */
  readonly cpu?: number;
  /** Holds from the start on; a replica that is over it is killed. */
  readonly memoryBytes?: number;
  /** Whole units of what only some nodes have, by the name that the cluster gives it: `gpu` → 1. */
  readonly generic?: Readonly<Record<string, number>>;
}

/** Where replicas may be, and over what they are spread, in the cluster's own words; a single machine has no use for it. */
export interface Placement {
  /** All must hold: `node.labels.zone==a`. */
  readonly constraints: readonly string[];
  /** Spread evenly over the values of these: `node.labels.zone`. */
  readonly spread: readonly string[];
}

export interface ReplicaOrder {
  readonly id: string;
  /** Whose replica it is; engines that group replicas do so by deployment and template. */
  readonly deployment: string;
  /** Everything but where to listen, which the driver chooses. */
  readonly launch: Omit<RunnerLaunch, 'listen' | 'lifeline'>;
  readonly resources: ReplicaResources;
  readonly placement?: Placement;
}

/** A replica that exists on the engine, whoever started it. */
export interface FoundReplica {
  readonly id: string;
  readonly address: ReplicaAddress;
  /** What a person would look for: `pid 4711`, or `task k3j9x2 on worker-2`. */
  readonly where: string;
  /** Name of the node that it is on, where there are several. */
  readonly node?: string;
  /** Whether the limits asked for hold, with the reason where not. */
  readonly limits:
    | { readonly kind: 'enforced' }
    | { readonly kind: 'unenforced'; readonly reason: string }
    | { readonly kind: 'none' };
}

export interface ReplicaExit {
  readonly id: string;
  /** In words: `exit code 1`, `killed by SIGKILL`, with the last words of its standard error. */
  readonly reason: string;
  /**
   * It has not failed: the engine or a person ended it in good order (another was to go and the engine chose this one,
   * its node is emptied, somebody scaled the service). No back-off is due to its template.
   */
  readonly byEngine?: boolean;
}

/** Somebody else has changed what this platform holds on the engine. */
export interface Drift {
  readonly deployment: string;
  /** What was found and what is held instead: `service digits_v3: 10 replicas, 6 are held`. */
  readonly reason: string;
}

export interface Orchestrator extends AsyncDisposable {
  /** Returns when the replica's process exists; its state then comes over its socket. */
  start(order: ReplicaOrder, signal: AbortSignal): Promise<FoundReplica>;
  /** The replica is loaded and warmed: limits that would have slowed its start take hold now. */
  settle(id: string, resources: ReplicaResources): Promise<FoundReplica['limits']>;
  /**
   * Ends a replica that has been drained, by force after `graceMs`. A replica that is gone already is no error. An engine
   * that chooses itself which one goes may end another of the same template, whose exit it then reports (`byEngine`).
   */
  stop(id: string, graceMs: number): Promise<void>;
  /**
   * Ends one that is of no use as it is, at once. Where it cannot be reached (its node is cut off), it is given up: never
   * listed again, and ended when the engine can.
   */
  kill(id: string): Promise<void>;
  /** Every live replica of this data directory, also those that an earlier control started. */
  list(): Promise<readonly FoundReplica[]>;
  /** The platform ends, and all its replicas have: what else of it is on the engine goes too. */
  clear?(): Promise<void>;
  /** Called when a replica ends without `stop` or `kill`. */
  onExit(listener: (exit: ReplicaExit) => void): void;
  /** Of a cluster, those that its managers know, with what is promised on them; throws while they cannot be asked. */
  nodes?(): Promise<readonly ClusterNode[]>;
  /** Called when somebody else has changed what is held, where others can. */
  onDrift?(listener: (drift: Drift) => void): void;
}
