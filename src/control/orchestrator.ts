/**
 * The seam between control and whatever runs replicas: processes here, Swarm and Kubernetes later.
 * A driver starts, stops and finds replicas; it decides nothing. Every method is safe to call twice.
 */
import type { ReplicaAddress } from '../gateway/routing-table.ts';
import type { RunnerLaunch } from '../runner/launch.ts';

export interface ReplicaResources {
  /** Cores, may be a fraction; absent means unlimited. `settle` applies it: a start is not slowed. */
  readonly cpu?: number;
  /** Holds from the start on; a replica that is over it is killed. */
  readonly memoryBytes?: number;
}

export interface ReplicaOrder {
  readonly id: string;
  /** Everything but where to listen, which the driver chooses. */
  readonly launch: Omit<RunnerLaunch, 'listen' | 'lifeline'>;
  readonly resources: ReplicaResources;
}

/** A replica that exists on the engine, whoever started it. */
export interface FoundReplica {
  readonly id: string;
  readonly address: ReplicaAddress;
  /** What a person would look for on the machine: `pid 4711`. */
  readonly where: string;
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
}

export interface Orchestrator extends AsyncDisposable {
  /** Returns when the replica's process exists; its state then comes over its socket. */
  start(order: ReplicaOrder, signal: AbortSignal): Promise<FoundReplica>;
  /** The replica is loaded and warmed: limits that would have slowed its start take hold now. */
  settle(id: string, resources: ReplicaResources): Promise<FoundReplica['limits']>;
  /** Ends a replica that has been drained, by force after `graceMs`. A replica that is gone already is no error. */
  stop(id: string, graceMs: number): Promise<void>;
  /** Every live replica of this data directory, also those that an earlier control started. */
  list(): Promise<readonly FoundReplica[]>;
  /** Called when a replica ends without `stop`. */
  onExit(listener: (exit: ReplicaExit) => void): void;
}
