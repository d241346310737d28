/** How a deployment is, as status tells it: one word, and a sentence where it is not simply serving. */
import type { Upkeep } from './actions.ts';
import { cannotLoad, retryAt, type Failure } from './failures.ts';
import { templateVersion, type DeploymentSeen } from './seen.ts';

export interface Facts {
  readonly wanted: number;
  readonly target: string | undefined;
  readonly serving: string | undefined;
  readonly ready: number;
  readonly readyBefore: number;
  readonly failure: Failure | undefined;
  readonly at: number;
}

/** The state in one word, and the reason in a sentence when it is not simply serving. */
export function judge(seen: DeploymentSeen, facts: Facts): Pick<Upkeep, 'state' | 'reason'> {
  const { wanted, target, serving, ready, readyBefore, failure, at } = facts;
  if (seen.removing) return { state: 'idle', reason: 'being removed' };
  if (target === undefined) return { state: 'failed', reason: 'there is no such model version to serve' };
  const version = templateVersion(target);
  const words = failure === undefined ? '' : whatFailed(version, failure, seen.asleep ? undefined : at);
  const isGrave = failure?.kind === 'rejected' || cannotLoad(failure);
  if (seen.asleep && !isGrave) return { state: 'asleep' };
  if (serving !== undefined && serving !== target) {
    const before = templateVersion(serving);
    if (failure !== undefined && (readyBefore > 0 || seen.asleep)) {
      const keeps = seen.asleep ? 'is what asking wakes' : 'keeps serving';
      return { state: 'degraded', reason: `${words}; version ${before} ${keeps}` };
    }
    if (failure !== undefined) return { state: 'failed', reason: words };
    const held = seen.memory === undefined ? '' : `; ${seen.memory.reason}`;
    return { state: 'updating', reason: `${ready} of ${wanted} replicas of version ${version} are ready${held}` };
  }
  if (ready >= wanted && wanted > 0) return { state: 'serving' };
  const held = seen.memory === undefined ? '' : `; ${seen.memory.reason}`;
  const progress = `${ready} of ${wanted} replicas are ready${held}`;
  if (seen.memory?.never === true && ready === 0) return { state: 'failed', reason: seen.memory.reason };
  if (failure === undefined) return { state: 'starting', reason: progress };
  return ready > 0 ? { state: 'degraded', reason: `${progress}; ${words}` } : { state: 'failed', reason: words };
}

/** `at` is undefined while nobody wants another try. */
function whatFailed(version: string, failure: Failure, at: number | undefined): string {
  if (failure.kind === 'rejected') {
    return `version ${version} took over and ended at once: ${failure.reason} (not tried again until it is deployed anew)`;
  }
  const wait = at === undefined ? 0 : Math.ceil((retryAt(failure) - at) / 1000);
  const again = at === undefined ? 'tried again when asked' : wait > 0 ? `trying again in ${wait} s` : 'trying again';
  return failure.kind === 'load'
    ? `version ${version} failed to load: ${failure.reason} (${again})`
    : `a replica of version ${version} ended: ${failure.reason} (${again})`;
}
