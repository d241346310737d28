/**
 * How far a service is on its way, given its tasks: up on which nodes, still coming, or not coming, with the engine's reason.
 * Pure; the shell looks again and again and says what has changed.
 */
import type { SwarmTask } from '../engine.ts';
import { delayOf, endOf } from '../words.ts';
import { stackLabels } from './order.ts';

export interface Trouble {
  /** Id of the node; undefined where no node is found for it. */
  readonly nodeId: string | undefined;
  /** In the engine's words. */
  readonly why: string;
  /** A task that has failed, whose output may say more. */
  readonly taskId: string | undefined;
  /** Ends of tasks of this order there, or 0 for one that waits for a place. */
  readonly failures: number;
}

export interface Standing {
  /** Nodes on which a task of this order runs and is healthy. */
  readonly up: readonly string[];
  /** Nodes, or undefined for one that waits for a node, where there is none yet. */
  readonly troubles: readonly Trouble[];
  /** A task of before is still finishing what it has, and holds its node's ports meanwhile. */
  readonly isMakingRoom: boolean;
}

/** `order`: the label that tasks of the newest order have. `seen`: tasks that were there before and are nobody's news. */
export function standingOf(tasks: readonly SwarmTask[], order: string, seen: ReadonlySet<string>): Standing {
  const own = tasks.filter(({ labels }) => labels?.[stackLabels.order] === order);
  const up = own
    .filter(({ state, desired }) => state === 'running' && desired === 'running')
    .flatMap(({ nodeId = [] }) => nodeId);
  const troubles = new Map<string, Trouble>();
  for (const task of own) {
    const { nodeId, id } = task;
    if (nodeId !== undefined && up.includes(nodeId)) continue;
    const delay = delayOf(task);
    const isOver = !seen.has(id) && (task.state === 'failed' || task.state === 'rejected' || task.state === 'complete');
    if (delay === undefined && !isOver) continue;
    // One that has no place has no node either; one whose node is chosen (a global service's) waits there.
    const key = nodeId ?? `slot ${task.slot}`;
    const failures = (troubles.get(key)?.failures ?? 0) + (isOver ? 1 : 0);
    troubles.set(key, { nodeId, why: delay ?? endOf(task, false), taskId: isOver ? id : undefined, failures });
  }
  const isMakingRoom = tasks.some(({ state, desired }) => state === 'running' && desired !== 'running');
  return { up, troubles: [...troubles.values()], isMakingRoom };
}

/** It has been tried so often, or has waited so long for a place, that the next look will not be another. */
export function isGivenUp({ failures }: Trouble, waitedMs: number): boolean {
  return failures === 0 ? waitedMs > placeMsMax : failures >= failuresMax;
}

const placeMsMax = 8000;
const failuresMax = 3;
