/**
 * Upkeep: what has to be done so that each deployment has the replicas that are wanted, at the version that is wanted.
 * It holds the target, it never chooses one: how many and which version are given.
 *
 *   replica:    starting → ready ⇄ draining → (gone)       a failed one is stopped, a dead one is just not there
 *   deployment: serving S ──(enough of T ready)──▶ serving T, S drains but stays in reserve ──(T has lived)──▶ S stops
 *                    ▲────────────(T's replicas end meanwhile: S is restored, T is rejected)────┘
 *               asleep: no replica; S is still what serves, and stays so until T has been loaded once
 *
 * Invariant: what serves is given up only for at least as many that are ready, and T that cannot load never replaces S.
 */
import type { Action, Upkeep } from './actions.ts';
import { callersOf } from './callers.ts';
import { giveUp, keepAt } from './keep.ts';
import { isReserve, reserveAfter, revert } from './reserve.ts';
import { templateVersion, wantedReplicas, type DeploymentSeen, type ReplicaPhase } from './seen.ts';
import { judge } from './state.ts';

export function reconcile(seen: DeploymentSeen, at: number): Upkeep {
  const wanted = wantedReplicas(seen);
  const target = seen.target ?? seen.serving;
  const count = (template: string | undefined, kind: ReplicaPhase['kind']): number =>
    seen.replicas.filter((replica) => replica.template === template && replica.phase.kind === kind).length;
  const ready = count(target, 'ready');
  const readyBefore = seen.serving === target ? 0 : count(seen.serving, 'ready');
  const kept: Action[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  let startsLeft = seen.memory?.startsMax ?? Number.POSITIVE_INFINITY;
  const keep = (template: string, replicas: number): void => {
    const step = keepAt(seen, template, replicas, startsLeft, at);
    for (const action of step.actions) if (action.kind === 'start') startsLeft -= action.count;
    kept.push(...step.actions);
    wakeAt = Math.min(wakeAt, step.wakeAt);
  };

  if (seen.removing && seen.replicas.length === 0) {
    const actions: readonly Action[] = [{ kind: 'forget', reason: 'no replica is left' }];
    return { actions, state: 'idle', reason: 'being removed', callers: 'refuse' };
  }
  const reverted = revert(seen, wanted, at);
  if (reverted !== undefined) return reverted;
  const rejected = target !== undefined && seen.failures.get(target)?.kind === 'rejected' && target !== seen.serving;
  let serving = seen.serving;
  if (target !== undefined && serving !== target && !seen.removing && !rejected) {
    // Enough: as many as served before, capped by what is wanted now, and one at least: what serves is only replaced by
    // what has been loaded. Where nothing serves yet and nothing is wanted, there is nothing to lose.
    const enough = serving === undefined ? Math.min(wanted, 1) : Math.max(1, Math.min(wanted, readyBefore));
    if (ready >= enough) {
      serving = target;
      const version = templateVersion(target);
      const reserve = reserveAfter(seen, target, at);
      const asked = wanted === 0 ? `version ${version} is what asking wakes` : undefined;
      kept.push({
        kind: 'switch',
        template: target,
        ...(reserve === undefined ? {} : { reserve }),
        reason: asked ?? `${ready} of ${wanted} replicas of version ${version} are ready`,
      });
    }
  }
  if (target !== undefined) keep(target, rejected ? 0 : wanted);
  const updating = serving !== undefined && serving !== target;
  const failure = target === undefined ? undefined : seen.failures.get(target);
  if (updating && serving !== undefined) {
    // Until the new version has proved itself the old one keeps its size; a start that works needs no second fleet.
    const active = count(serving, 'ready') + count(serving, 'starting');
    if (failure?.kind === 'load' || failure?.kind === 'rejected' || active > wanted) keep(serving, wanted);
  }
  for (const replica of seen.replicas) {
    const { kind } = replica.phase;
    if ((kind !== 'starting' && kind !== 'ready') || replica.template === target || replica.template === serving) {
      continue;
    }
    const reason = serving === undefined ? 'another version is wanted' : `${templateVersion(serving)} serves now`;
    kept.push(giveUp(replica, serving === undefined ? reason : `version ${reason}`));
  }
  const recalled = new Set(kept.flatMap((action) => (action.kind === 'restore' ? [action.replica] : [])));
  const drains = endDrains(seen, recalled, at);
  wakeAt = Math.min(wakeAt, drains.wakeAt);
  const actions = [...drains.actions, ...kept];
  return {
    actions,
    ...(Number.isFinite(wakeAt) ? { wakeAt } : {}),
    ...judge(seen, { wanted, target, serving, ready, readyBefore, failure, at }),
    callers: callersOf(seen, serving ?? target, actions, at),
  };
}

/** Ends what is no use any more: what failed, what has drained, what had its time to. */
function endDrains(
  seen: DeploymentSeen,
  recalled: ReadonlySet<string>,
  at: number,
): { readonly actions: readonly Action[]; readonly wakeAt: number } {
  const actions: Action[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  for (const replica of seen.replicas) {
    if (recalled.has(replica.id)) continue;
    if (replica.phase.kind === 'failed') {
      actions.push({ kind: 'stop', replica: replica.id, reason: 'it failed to load' });
    } else if (replica.phase.kind === 'draining') {
      if (isReserve(seen, replica.template, at)) {
        wakeAt = Math.min(wakeAt, seen.reserve?.until ?? Number.POSITIVE_INFINITY);
        continue;
      }
      const endsAt = replica.phase.since + seen.drainMs;
      if (replica.phase.drained) actions.push({ kind: 'stop', replica: replica.id, reason: 'drained' });
      else if (at >= endsAt) {
        actions.push({ kind: 'stop', replica: replica.id, reason: `not drained within ${seen.drainMs} ms` });
      } else wakeAt = Math.min(wakeAt, endsAt);
    }
  }
  return { actions, wakeAt };
}
