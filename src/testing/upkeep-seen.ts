/** What upkeep sees, for its tests: a deployment of two wanted replicas that has none, and replicas by phase. */
import type { DeploymentSeen, ReplicaPhase, ReplicaSeen } from '../core/upkeep/seen.ts';

export const base: DeploymentSeen = {
  name: 'digits',
  desired: 2,
  min: 0,
  max: 8,
  target: '1/a',
  removing: false,
  asleep: false,
  waiting: 0,
  drainMs: 1000,
  probationMs: 5000,
  replicas: [],
  failures: new Map(),
};

export function replica(
  id: string,
  template: string,
  phase: ReplicaPhase['kind'],
  more: Partial<ReplicaSeen> = {},
): ReplicaSeen {
  const whole: ReplicaPhase = phase === 'draining' ? { kind: phase, since: 0, drained: false } : { kind: phase };
  return { id, template, phase: whole, startedAt: 0, outstanding: 0, ...more };
}
