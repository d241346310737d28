/** What is there, what is used, and what deployments may ask for at most. Pure. */
import type { DeploymentView, ReplicaView } from '../../../../src/api/schemas.ts';
import type { NodeView } from '../../../../src/api/node-schemas.ts';

/** Every state of a replica in the order in which a replica goes through them, with the shape that tells it. */
export const replicaShapes: Readonly<Record<ReplicaView['state'], string>> = {
  starting: '◌',
  loading: '◔',
  warming: '◑',
  ready: '●',
  draining: '◍',
  failed: '■',
};

export interface Placed {
  readonly replica: ReplicaView;
  readonly cpuShare: number | null;
  readonly memoryBytes: number | null;
  /** Why it is on this node; absent where there is no other, and of one that the node has not told of. */
  readonly why?: string | undefined;
}

export interface PlacedDeployment {
  readonly name: string;
  readonly max: number;
  readonly placed: readonly Placed[];
}

/**
 * The replicas of each deployment that run on a node. `only`: there is one node, so that whatever runs, runs on it. A
 * replica that the node has not told of yet is there all the same, with nothing known of what it uses.
 */
export function placedOn(node: NodeView, deployments: readonly DeploymentView[], only: boolean): PlacedDeployment[] {
  const used = new Map(node.replicas.map((replica) => [replica.id, replica]));
  return deployments
    .map(({ name, max, replicas }) => ({
      name,
      max,
      placed: replicas
        .filter(({ id }) => only || used.has(id))
        .map((replica) => ({
          replica,
          cpuShare: used.get(replica.id)?.cpuShare ?? null,
          memoryBytes: used.get(replica.id)?.memoryBytes ?? null,
          why: only ? undefined : used.get(replica.id)?.reason,
        })),
    }))
    .filter(({ placed }) => placed.length > 0);
}

/** Replicas in all states of all deployments, and how many there may be. */
export function counted(deployments: readonly DeploymentView[]): {
  readonly replicas: number;
  readonly ready: number;
  readonly max: number;
} {
  const sum = (of: (deployment: DeploymentView) => number): number =>
    deployments.reduce((so, deployment) => so + of(deployment), 0);
  return {
    replicas: sum(({ replicas }) => replicas.length),
    ready: sum(({ counts }) => counts.ready),
    max: sum(({ max }) => max),
  };
}
