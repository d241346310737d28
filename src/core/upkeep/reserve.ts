/**
 * What served before stays in reserve until its successor has lived through its probation, and takes over again when the
 * successor's replicas end meanwhile.
 */
import type { Action, Upkeep } from './actions.ts';
import { templateVersion, type DeploymentSeen, type ReplicaPhase, type ReplicaSeen, type Reserve } from './seen.ts';

export function isReserve({ reserve, removing }: DeploymentSeen, template: string, at: number): boolean {
  return !removing && reserve !== undefined && reserve.template === template && at < reserve.until;
}

/** What has proved itself stays in reserve, also when its successor is replaced before that could. */
export function reserveAfter(seen: DeploymentSeen, next: string, at: number): Reserve | undefined {
  const held = seen.reserve !== undefined && isReserve(seen, seen.reserve.template, at);
  const template = held ? seen.reserve?.template : seen.serving;
  if (template === undefined || template === next || seen.probationMs === 0) return undefined;
  return { template, until: at + seen.probationMs };
}

/** Ends without a ready replica, or one after another, so soon after taking over are the new template's own fault. */
const deathsMax = 3;

export function revert(seen: DeploymentSeen, wanted: number, at: number): Upkeep | undefined {
  const { serving, reserve } = seen;
  if (serving === undefined || reserve === undefined || !isReserve(seen, reserve.template, at)) return undefined;
  const failure = seen.failures.get(serving);
  if (failure?.kind !== 'death' || failure.lastAt < reserve.until - seen.probationMs) return undefined;
  const of = (name: string, kind: ReplicaPhase['kind']): readonly ReplicaSeen[] =>
    seen.replicas.filter(({ template, phase }) => template === name && phase.kind === kind);
  const ready = of(serving, 'ready').length;
  const restorable = of(reserve.template, 'draining');
  if (restorable.length === 0 || wanted === 0) return undefined;
  if (ready > 0 && (failure.count < deathsMax || restorable.length < ready)) return undefined;
  const version = templateVersion(serving);
  const reason = `version ${version} ended within ${seen.probationMs / 1000} s of taking over: ${failure.reason}`;
  return {
    actions: [
      ...restorable.slice(0, wanted).map(({ id }): Action => ({ kind: 'restore', replica: id, reason })),
      { kind: 'revert', template: reserve.template, rejected: serving, reason },
    ],
    state: 'degraded',
    reason,
    callers: 'wait',
    wakeAt: at,
  };
}
