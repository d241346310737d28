/**
 * What upkeep is told of a deployment: what is wanted of it, what serves, and the replicas that were found, each in its
 * phase. Values only: who gathers them is the shell around it.
 */
import type { Failure } from './failures.ts';

export type ReplicaPhase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready' }
  /**
   * `drained`: every gateway has confirmed that it has nothing there any more. `restorable`: it would take work again
   * if it were let; one that is ending by itself would not.
   */
  | { readonly kind: 'draining'; readonly since: number; readonly drained: boolean; readonly restorable?: boolean }
  | { readonly kind: 'failed' };

export interface ReplicaSeen {
  readonly id: string;
  /** Version and settings that it runs: `3/9f2c1a`. */
  readonly template: string;
  readonly phase: ReplicaPhase;
  readonly startedAt: number;
  /** Requests in flight, as far as known. */
  readonly outstanding: number;
}

export interface Reserve {
  readonly template: string;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/** What the node's memory leaves of what this deployment would start (memory.ts). */
export interface MemoryHold {
  readonly startsMax: number;
  /** It will not fit, whoever goes. */
  readonly never: boolean;
  readonly reason: string;
}

export interface DeploymentSeen {
  readonly name: string;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  /** Template that is wanted; absent when the reference resolves to nothing. */
  readonly target?: string;
  /** Template that answers now; absent before the first was ready. */
  readonly serving?: string;
  readonly removing: boolean;
  /** Of `min: 0` and put to sleep (sleep.ts): no replica is wanted, whatever `desired` says. */
  readonly asleep: boolean;
  /** Requests that find no replica and wait for one. */
  readonly waiting: number;
  /** Absent where memory is no question. */
  readonly memory?: MemoryHold;
  readonly drainMs: number;
  /** How long a template must have served before the one that it replaced is given up; 0 keeps no reserve. */
  readonly probationMs: number;
  /** What served before, until what serves now has proved itself. */
  readonly reserve?: Reserve;
  readonly replicas: readonly ReplicaSeen[];
  /** By template. */
  readonly failures: ReadonlyMap<string, Failure>;
}

/** `3/9f2c1a` → `version 3`. */
export function templateVersion(template: string): string {
  const slash = template.indexOf('/');
  return slash === -1 ? template : template.slice(0, slash);
}

/** One that is awake has at least one. */
export function wantedReplicas(seen: Pick<DeploymentSeen, 'desired' | 'min' | 'max' | 'removing' | 'asleep'>): number {
  return seen.removing || seen.asleep ? 0 : Math.min(seen.max, Math.max(seen.min, seen.desired, 1));
}
