/** The nodes of a Swarm with what is promised on them, from what its managers list. Pure. */
import type { ClusterMember, ClusterNode, Room } from '../../../core/placement/node.ts';
import type { PlacedTask } from './engine.ts';
import { labels } from './service-spec.ts';

export function toClusterNodes(
  nodes: readonly ClusterMember[],
  placed: readonly PlacedTask[],
  platform: string,
): readonly ClusterNode[] {
  return nodes.map((node) => {
    const here = placed.filter(({ nodeId }) => nodeId === node.id);
    const tasks: Record<string, number> = {};
    for (const task of here) {
      const deployment = task.labels[labels.deployment];
      if (task.labels[labels.platform] !== platform || deployment === undefined) continue;
      tasks[deployment] = (tasks[deployment] ?? 0) + 1;
    }
    return { ...node, reserved: sumOf(here), tasks };
  });
}

function sumOf(tasks: readonly PlacedTask[]): Room {
  let [cores, memoryBytes] = [0, 0];
  const generic: Record<string, number> = {};
  for (const { reserved } of tasks) {
    cores += reserved.cores;
    memoryBytes += reserved.memoryBytes;
    for (const [kind, count] of Object.entries(reserved.generic)) generic[kind] = (generic[kind] ?? 0) + count;
  }
  return { cores, memoryBytes, generic };
}
