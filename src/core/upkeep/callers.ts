/** What becomes of those that ask while no replica is ready. */
import type { Action, Callers } from './actions.ts';
import { cannotLoad, retryAt } from './failures.ts';
import type { DeploymentSeen } from './seen.ts';

export function callersOf(
  seen: DeploymentSeen,
  answering: string | undefined,
  actions: readonly Action[],
  at: number,
): Callers {
  if (seen.removing || answering === undefined) return 'refuse';
  const comes =
    seen.replicas.some(({ phase, template }) => phase.kind === 'starting' && template === answering) ||
    actions.some(({ kind }) => kind === 'start' || kind === 'restore');
  if (seen.memory !== undefined && !comes && !seen.asleep) return seen.memory.never ? 'fail' : 'wait';
  const failure = seen.failures.get(answering);
  const holdsBack = !comes && at < retryAt(failure);
  if (holdsBack && cannotLoad(failure)) return 'fail';
  return holdsBack && !seen.asleep ? 'refuse' : 'wait';
}
