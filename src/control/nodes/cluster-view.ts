/**
 * The nodes of a cluster in the words of the API. Pure. What is measured is known of the machine that control runs on
 * alone; of the others it is null. What is promised is known of all.
 */
import type { NodeView } from '../../api/node-schemas.ts';
import type { ClusterNode } from '../../core/placement/node.ts';
import { placementReason } from '../../core/placement/reason.ts';
import type { ClusterSeen } from './cluster.ts';
import { toReplicaView, type ReplicaOnNode } from './view.ts';

/** `measured`: of the machine that control runs on, which may be none of the cluster's. */
export function clusterViews(
  { nodes, wallMs }: ClusterSeen,
  measured: NodeView,
  replicas: readonly ReplicaOnNode[],
): readonly NodeView[] {
  return nodes
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map((node) => {
      const own = node.name === measured.name ? measured : unmeasured(node, wallMs);
      const here = replicas.filter((replica) => replica.node === node.name);
      return clusterView(
        node,
        own,
        here.map((replica) => toReplicaView(replica, placementReason(nodes, replica.placement ?? anywhere))),
      );
    });
}

const anywhere = { constraints: [], spread: [] };

function clusterView(node: ClusterNode, own: Measured, replicas: NodeView['replicas']): NodeView {
  const { role, state, availability, address, labels, whole, reserved } = node;
  const { name, at, cpu, memory, disk, network } = own;
  return {
    name,
    at,
    disk,
    network,
    role,
    state,
    availability,
    address: address === '' ? null : address,
    labels,
    cpu: { ...cpu, cores: positive(whole.cores) ?? cpu.cores, reservedCores: reserved.cores },
    memory: {
      ...memory,
      totalBytes: positive(whole.memoryBytes) ?? memory.totalBytes,
      reservedBytes: reserved.memoryBytes,
    },
    generic: Object.fromEntries(
      Object.entries(whole.generic).map(([kind, total]) => [kind, { total, reserved: reserved.generic[kind] ?? 0 }]),
    ),
    replicas,
  };
}

type Measured = Pick<NodeView, 'name' | 'at' | 'cpu' | 'memory' | 'disk' | 'network'>;

/** A node that has not described itself yet is told of with nothing. */
const positive = (value: number): number | null => (value > 0 ? value : null);

function unmeasured({ name }: ClusterNode, at: number): Measured {
  return {
    name,
    at,
    cpu: { cores: null, busyShare: null, load1: null, waitingShare: null, reservedCores: null },
    memory: { totalBytes: null, usedBytes: null, reservedBytes: null },
    disk: { path: null, totalBytes: null, usedBytes: null, readBytesPerSecond: null, writtenBytesPerSecond: null },
    network: { receivedBytesPerSecond: null, sentBytesPerSecond: null },
  };
}
