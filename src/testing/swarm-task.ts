/** A task of a Swarm as the engine tells of it, by example: it runs, unless something else is said. */
import type { SwarmTask } from '../drivers/orchestrators/swarm/engine.ts';

export function newTask(id: string, more: Partial<SwarmTask> = {}): SwarmTask {
  return {
    id,
    serviceId: 's',
    slot: 1,
    nodeId: 'n1',
    desired: 'running',
    state: 'running',
    message: '',
    error: undefined,
    exitCode: undefined,
    ports: {},
    ...more,
  };
}
