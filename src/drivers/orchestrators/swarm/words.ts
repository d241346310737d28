/** What the engine says of a task, in words for a person. */
import type { SwarmTask } from './engine.ts';

const killed = 137;

/** Why a task has ended, or is not wanted any more. */
export function endOf(task: SwarmTask | undefined, byEngine: boolean): string {
  if (task === undefined) return 'its task is gone: the service was removed or rolled over';
  const { state, error, exitCode, message, desired } = task;
  if (state === 'rejected') return `its node refused it: ${error ?? message}`;
  if (state === 'failed' || state === 'complete') {
    if (exitCode === undefined || (exitCode === 0 && error !== undefined)) return error ?? message;
    if (exitCode === killed) return 'exit code 137: killed, by somebody or over its limit of memory (resources.memory)';
    return `exit code ${exitCode}`;
  }
  if (state === 'orphaned') return 'its node has been gone for too long';
  if (byEngine && desired === 'remove') return 'the engine ended it: fewer were asked for, or its service was removed';
  if (byEngine && desired === 'shutdown')
    return 'the engine ended it: its node is emptied or lost, or the service was changed';
  return error ?? message;
}

/** Why a task is not there yet; undefined while it simply is on its way. */
export function delayOf({ state, error }: SwarmTask): string | undefined {
  return state === 'pending' && error !== undefined && error !== '' ? error : undefined;
}
