/** What the engine says of a task, in words for a person. */
import { byteSize } from '../../../units.ts';
import type { SwarmTask } from './engine.ts';

const killed = 137;

/** Why a task has ended, or is not wanted any more; `memoryBytes`: its limit, where it has one. */
export function endOf(task: SwarmTask | undefined, byEngine: boolean, memoryBytes?: number): string {
  if (task === undefined) return 'its task is gone: the service was removed or rolled over';
  const { state, error, exitCode, message, desired } = task;
  if (state === 'rejected') return `its node refused it: ${error ?? message}`;
  if (state === 'failed' || state === 'complete') {
    if (exitCode === undefined || (exitCode === 0 && error !== undefined)) return error ?? message;
    if (exitCode === killed) return killedWords(memoryBytes);
    // The engine could not even run it, and says why: a port, a mount, a device.
    const said = error === undefined || error === `task: non-zero exit (${exitCode})` ? '' : `: ${error}`;
    return `exit code ${exitCode}${said}`;
  }
  if (state === 'orphaned') return 'its node has been gone for too long';
  if (byEngine && desired === 'remove') return 'the engine ended it: fewer were asked for, or its service was removed';
  if (byEngine && desired === 'shutdown')
    return 'the engine ended it: its node is emptied or lost, or the service was changed';
  return error ?? message;
}

/** The engine tells its managers no more than the exit code; its node alone knows whether it was memory. */
function killedWords(memoryBytes: number | undefined): string {
  const why =
    memoryBytes === undefined
      ? 'or because its node had no memory left'
      : `or because it needs more than its limit of ${byteSize(memoryBytes)} (resources.memory)`;
  return `exit code ${killed}: killed, by somebody ${why}`;
}

/** The managers have no node for it yet, or have not looked. */
export function isUnplaced({ state }: Pick<SwarmTask, 'state'>): boolean {
  return state === 'pending';
}

/** `full`: node by node, by the arithmetic of room; `said`: by the managers. One of them is there. */
export function roomless(full: string | undefined, said: string | undefined): string {
  const engine = said === undefined ? '' : `the engine says: ${said}`;
  return `no node has room for it: ${full === undefined ? engine : [full, engine].filter(Boolean).join('; ')}`;
}

/** Why a task is not there yet; undefined while it simply is on its way. */
export function delayOf({ state, error }: SwarmTask): string | undefined {
  return isUnplaced({ state }) && error !== undefined && error !== '' ? error : undefined;
}
