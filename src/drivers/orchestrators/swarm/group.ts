/**
 * One service as the driver knows it: the roster, who waits for a task, whose end is to be told. It changes only by the
 * driver's calls and by what the engine shows.
 */
import type { ReplicaOrder } from '../../../control/orchestrator.ts';
import type { Life } from '../../../tls/life.ts';
import type { SwarmService, SwarmTask } from './engine.ts';
import { emptyRoster, type Roster } from './roster.ts';

export type StartOutcome = { readonly task: SwarmTask } | { readonly failure: string };

export interface Waiting {
  readonly since: number;
  /** Since when the engine says that it has no place for it. */
  unplacedSince?: number;
  /** One for all who ask for the same replica. */
  readonly outcome: Promise<StartOutcome>;
  settle(outcome: StartOutcome): void;
}

export interface Group {
  readonly name: string;
  readonly deployment: string;
  /** Services of one kind make the same tasks; of those of an earlier version it is not known. */
  readonly kind: string | undefined;
  /** What a task of it is; unknown until somebody orders one, where an earlier control has made it. */
  order?: ReplicaOrder;
  service?: SwarmService | undefined;
  /** Of the service that was there last; forgotten when it was removed from here. */
  serviceId?: string | undefined;
  /** Of the certificate in its secret; undefined until the service is there. */
  life?: Life | undefined;
  /** Of those that had this name: their tasks outlive them by a moment. */
  readonly serviceIds: Set<string>;
  tasks: readonly SwarmTask[];
  roster: Roster;
  vacancies: number[];
  /** Replicas that the service has since it was last written. */
  planned: number;
  /** Task → the port of its node at which it is reached, from when the engine said so. */
  ports: Map<string, number>;
  /** Task → since when it is given up. */
  readonly lostSince: Map<string, number>;
  /** Task → how often it was had again after it had been given up. */
  readonly recalls: Map<string, number>;
  /** By replica. */
  readonly waiting: Map<string, Waiting>;
  /** Calls of `stop` that wait for the end of their task. */
  readonly ending: Set<() => void>;
  /** The last that was told. */
  drift?: string | undefined;
  /** What the engine said when it would not have the service as it was last written. */
  refusal?: string;
}

export function newGroup(name: string, deployment: string, kind: string | undefined): Group {
  return {
    name,
    deployment,
    kind,
    serviceIds: new Set(),
    tasks: [],
    roster: emptyRoster,
    vacancies: [],
    planned: 0,
    ports: new Map(),
    lostSince: new Map(),
    recalls: new Map(),
    waiting: new Map(),
    ending: new Set(),
  };
}
