/**
 * What the managers of a cluster say of its nodes, asked every two seconds: for the API, and as a fact for the governor.
 * While they cannot be asked, what they said last is told with its age; the governor takes it for unknown soon.
 */
import type { Clock } from '../../clock.ts';
import type { ClusterNode } from '../../core/placement/node.ts';
import { periodically } from '../periodically.ts';
import type { Orchestrator } from '../orchestrator.ts';

export interface ClusterSeen {
  readonly nodes: readonly ClusterNode[];
  /** Milliseconds: monotonic, and since 1970-01-01 UTC. */
  readonly at: number;
  readonly wallMs: number;
}

export interface Cluster {
  /** Undefined on a single machine, and until the managers have answered once. */
  seen(): ClusterSeen | undefined;
  stop(): Promise<void>;
}

const askEveryMs = 2000;

export function watchCluster(orchestrator: Pick<Orchestrator, 'nodes'>, clock: Clock): Cluster {
  if (orchestrator.nodes === undefined) return { seen: () => undefined, stop: async () => {} };
  let seen: ClusterSeen | undefined;
  const stop = periodically(
    clock,
    askEveryMs,
    'looking at the cluster',
    async () => {
      // The orchestrator itself asks the same managers all the time, and says when it cannot.
      const nodes = await orchestrator.nodes?.().catch(() => undefined);
      if (nodes !== undefined) seen = { nodes, at: clock.now(), wallMs: clock.wall() };
    },
    0,
  );
  return { seen: () => seen, stop };
}
