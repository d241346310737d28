/**
 * How one template is brought to a number of replicas: whom to give up, whom to take back, how many to start and when.
 * Law: those that go are those that cost least to lose, and nothing is started that can be taken back.
 */
import type { Action } from './actions.ts';
import { retryAt } from './failures.ts';
import { templateVersion, type DeploymentSeen, type ReplicaSeen } from './seen.ts';

/** First those that cost least to lose: still starting, then idle, then the youngest; ties by id, so that it is total. */
function byLoss(left: ReplicaSeen, right: ReplicaSeen): number {
  return (
    Number(left.phase.kind === 'ready') - Number(right.phase.kind === 'ready') ||
    left.outstanding - right.outstanding ||
    right.startedAt - left.startedAt ||
    (left.id < right.id ? 1 : -1)
  );
}

export function giveUp(replica: ReplicaSeen, reason: string): Action {
  // One that is still starting was never routed to: there is nothing to drain.
  return replica.phase.kind === 'starting'
    ? { kind: 'stop', replica: replica.id, reason }
    : { kind: 'drain', replica: replica.id, reason };
}

/** Brings one template to `count` replicas; the back-off decides when, and after a failed load one has to prove itself. */
export function keepAt(
  seen: DeploymentSeen,
  template: string,
  count: number,
  startsMax: number,
  at: number,
): { readonly actions: readonly Action[]; readonly wakeAt: number } {
  const active = seen.replicas.filter(
    (replica) => replica.template === template && (replica.phase.kind === 'starting' || replica.phase.kind === 'ready'),
  );
  const surplus = active.length - count;
  if (surplus > 0) {
    const reason = seen.removing
      ? 'the deployment is being removed'
      : seen.asleep
        ? 'nobody asks: it goes to sleep'
        : `${active.length} replicas, ${count} wanted`;
    return {
      actions: active
        .toSorted(byLoss)
        .slice(0, surplus)
        .map((replica) => giveUp(replica, reason)),
      wakeAt: Number.POSITIVE_INFINITY,
    };
  }
  if (surplus === 0) return { actions: [], wakeAt: Number.POSITIVE_INFINITY };
  const recalled = recall(seen, template, -surplus, at);
  const missing = -surplus - recalled.length;
  if (missing === 0) return { actions: recalled, wakeAt: Number.POSITIVE_INFINITY };
  const failure = seen.failures.get(template);
  const allowedAt = retryAt(failure);
  if (at < allowedAt) return { actions: recalled, wakeAt: allowedAt };
  const proving = failure?.kind === 'load';
  if (proving && active.some((replica) => replica.phase.kind === 'starting')) {
    return { actions: recalled, wakeAt: Number.POSITIVE_INFINITY };
  }
  const woken = failure === undefined && active.length === 0 && seen.min === 0 && seen.waiting > 0;
  const reason = woken
    ? `${seen.waiting === 1 ? 'a request waits' : `${seen.waiting} requests wait`} for it`
    : failure === undefined
      ? `${active.length} of ${count} replicas of version ${templateVersion(template)} are there`
      : failure.kind === 'death' && failure.count === 1
        ? `replaces one that ended: ${failure.reason}`
        : `tries again after ${failure.count === 1 ? 'a failure' : `${failure.count} failures`}: ${failure.reason}`;
  const starts = Math.min(proving ? 1 : missing, startsMax);
  if (starts === 0) return { actions: recalled, wakeAt: Number.POSITIVE_INFINITY };
  const awaited = woken && template === seen.serving ? { awaited: true as const } : {};
  const start: Action = { kind: 'start', template, count: starts, reason, ...awaited };
  return { actions: [...recalled, start], wakeAt: Number.POSITIVE_INFINITY };
}

/** Of what serves, those that were to go, are still there and can take work again: sooner there than any new one. */
function recall(seen: DeploymentSeen, template: string, count: number, at: number): readonly Action[] {
  if (template !== seen.serving) return [];
  return seen.replicas
    .filter(
      ({ template: own, phase }) =>
        own === template && phase.kind === 'draining' && phase.restorable === true && at < phase.since + seen.drainMs,
    )
    .toSorted(byLoss)
    .slice(-count)
    .map(({ id }) => ({ kind: 'restore', replica: id, reason: 'it is needed again' }));
}
